//! One forward pass, behind a trait.
//!
//! The rest of the reader knows shapes and numbers only, so that another runtime can take the place
//! of this one. A pass runs on one thread: pictures are judged side by side, and two threads on one
//! picture gain next to nothing.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use rten::{Model, ModelOptions, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{Tensor as RtenTensor, TensorView};

/// Numbers with a shape, the last dimension running fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Length of each dimension.
    pub shape: Vec<usize>,
    /// As many values as the product of `shape`.
    pub data: Vec<f32>,
}

/// A network with one input and one output.
///
/// # Contract
/// - The same input gives the same output.
/// - Blocks; may be called from several threads at once, and uses one thread for each call.
/// - An error is about this input; the network stays usable.
pub trait Net: Send + Sync + std::fmt::Debug {
    /// Runs one input through the network.
    fn run(&self, input: Tensor) -> Result<Tensor, NetError>;
}

/// This input could not be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("inference failed: {0}")]
pub struct NetError(pub String);

/// Single-threaded pools at rest. There are never more than passes that ran at the same time.
///
/// Each network has its own: the allocator keeps what a thread has freed for that thread, and
/// threads that run now this network, now that one would each keep the memory of the larger.
#[derive(Debug, Default)]
struct Lanes(Mutex<Vec<Arc<ThreadPool>>>);

impl Lanes {
    fn take(&self) -> Arc<ThreadPool> {
        let resting = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        resting.unwrap_or_else(|| Arc::new(ThreadPool::with_num_threads(1)))
    }

    fn give_back(&self, lane: Arc<ThreadPool>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(lane);
    }
}

/// A network that `rten` runs.
pub(super) struct RtenNet {
    model: Model,
    lanes: Lanes,
}

impl std::fmt::Debug for RtenNet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RtenNet").finish_non_exhaustive()
    }
}

impl RtenNet {
    /// Reads an ONNX model. Embedded bytes are used in place.
    pub(super) fn load(bytes: Cow<'static, [u8]>) -> Result<Self, NetError> {
        let options = ModelOptions::with_all_ops();
        let model = match bytes {
            Cow::Borrowed(bytes) => options.load_static_slice(bytes),
            Cow::Owned(bytes) => options.load(bytes),
        };
        let model = model.map_err(|error| NetError(error.to_string()))?;
        Ok(Self {
            model,
            lanes: Lanes::default(),
        })
    }
}

impl Net for RtenNet {
    fn run(&self, input: Tensor) -> Result<Tensor, NetError> {
        if input.shape.iter().product::<usize>() != input.data.len() {
            return Err(NetError(format!(
                "shape {:?} does not fit the data",
                input.shape
            )));
        }
        let lane = self.lanes.take();
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&lane)));
        let view: TensorView<'_, f32> =
            TensorView::from_data(input.shape.as_slice(), input.data.as_slice());
        let output = self.model.run_one(ValueOrView::from(view), Some(options));
        self.lanes.give_back(lane);

        let output: RtenTensor<f32> = output
            .map_err(|error| NetError(error.to_string()))?
            .try_into()
            .map_err(|_| NetError("the output is not of type f32".to_owned()))?;
        Ok(Tensor {
            shape: output.shape().to_vec(),
            data: output.into_data(),
        })
    }
}
