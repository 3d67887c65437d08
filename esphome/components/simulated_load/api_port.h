#pragma once

namespace esphome::simulated_load {

/// Give the native API the port that the environment names: one program serves several outlets on one machine. Ends the
/// program when that is no port.
void take_api_port_from_environment();

}  // namespace esphome::simulated_load
