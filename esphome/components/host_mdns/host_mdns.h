#pragma once

#include "multicast_socket.h"
#include "responder.h"

#include "esphome/components/mdns/mdns_component.h"
#include "esphome/core/component.h"

#include <array>
#include <vector>

namespace esphome::host_mdns {

/// Puts on the network what ESPHome's own `mdns` has compiled and, on this platform, keeps to itself.
class HostMdns final : public Component {
 public:
  explicit HostMdns(mdns::MDNSComponent *mdns) : mdns_(mdns) {}

  void setup() override;
  void loop() override;
  void dump_config() override;
  void on_shutdown() override;
  /// After `mdns`, whose records it takes, and after the native API has its port.
  float get_setup_priority() const override { return setup_priority::LATE; }

 protected:
  /// An interface on which this device is known.
  struct Link {
    MulticastSocket socket;
    Responder responder;
  };

  std::vector<Service> services_() const;
  void receive_(Link &link, uint64_t now_ms);

  mdns::MDNSComponent *mdns_;
  std::vector<Link> links_;
  std::array<uint8_t, 9000> packet_{};
};

}  // namespace esphome::host_mdns
