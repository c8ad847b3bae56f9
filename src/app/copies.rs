//! Where alerts are copied to, of what is built in and wished for.

use std::sync::Arc;

use super::reach::Places;
use crate::aws::Clients;
use crate::clock::Clock;
use crate::config::Config;
use crate::ops::Channel;

/// The channels that get copies. What is wished for and not built in was refused with the settings.
pub(super) fn channels(
    config: &Config,
    places: &Places,
    clients: &Clients,
    clock: &Arc<dyn Clock>,
) -> Vec<Channel> {
    let hub = security_hub(config, places, clients, clock);
    let bus = event_bus(config, places, clients);
    hub.into_iter().chain(bus).collect()
}

#[cfg(feature = "securityhub")]
fn security_hub(
    config: &Config,
    places: &Places,
    clients: &Clients,
    clock: &Arc<dyn Clock>,
) -> Option<Channel> {
    use crate::aws::SecurityHub;
    config.copies.security_hub.then(|| Channel {
        name: "security_hub",
        carrier: Arc::new(SecurityHub::new(
            clients,
            &places.topic,
            config.alerts.keys,
            Arc::clone(clock),
        )),
    })
}

#[cfg(not(feature = "securityhub"))]
const fn security_hub(
    _config: &Config,
    _places: &Places,
    _clients: &Clients,
    _clock: &Arc<dyn Clock>,
) -> Option<Channel> {
    None
}

#[cfg(feature = "eventbridge")]
fn event_bus(config: &Config, places: &Places, clients: &Clients) -> Option<Channel> {
    use crate::aws::EventBus;
    config.copies.event_bus.as_ref().map(|bus| Channel {
        name: "event_bus",
        carrier: Arc::new(EventBus::new(clients, bus, &places.topic)),
    })
}

#[cfg(not(feature = "eventbridge"))]
const fn event_bus(_config: &Config, _places: &Places, _clients: &Clients) -> Option<Channel> {
    None
}
