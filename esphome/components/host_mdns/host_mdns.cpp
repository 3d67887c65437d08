#include "host_mdns.h"

#include "esphome/core/application.h"
#include "esphome/core/hal.h"
#include "esphome/core/helpers.h"
#include "esphome/core/log.h"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace esphome::host_mdns {

static const char *const TAG = "host_mdns";

/// So many packets in one loop: the limits of a session must not wait for a flood.
static constexpr int PACKETS_A_LOOP = 8;

static const char *text_of(const mdns::MDNSString *text) { return MDNS_STR_ARG(text); }

/// Of a program that is reached through a relay, the relay's port.
static constexpr const char *PORT_VARIABLE = "KONSENTO_ADVERTISED_PORT";

static uint16_t advertised(uint16_t port) {
  if (const char *text = std::getenv(PORT_VARIABLE); text != nullptr)
    std::from_chars(text, text + std::strlen(text), port);
  return port;
}

std::vector<Service> HostMdns::services_() const {
  std::vector<Service> services;
  for (const mdns::MDNSService &compiled : this->mdns_->get_services()) {
    Service service{text_of(compiled.service_type), text_of(compiled.proto), advertised(compiled.port.value()), {}};
    for (const mdns::MDNSTXTRecord &record : compiled.txt_records)
      service.txt.emplace_back(text_of(record.key), text_of(record.value));
    services.push_back(service);
  }
  return services;
}

void HostMdns::setup() {
  const std::vector<Service> services = this->services_();
  for (const Interface &interface : multicast_interfaces()) {
    MulticastSocket socket;
    if (!socket.open(interface)) {
      ESP_LOGD(TAG, "Not on %s: %s", interface.name.c_str(), std::strerror(errno));
      continue;
    }
    const auto &name = App.get_name();
    this->links_.push_back({std::move(socket), Responder(records_of({name.c_str(), name.size()}, services,
                                                                    interface.addresses),
                                                         millis_64())});
  }
  if (this->links_.empty()) {
    ESP_LOGW(TAG, "No network with multicast: nobody will find this device by its name");
    this->disable_loop();
  }
}

void HostMdns::loop() {
  const uint64_t now = millis_64();
  for (Link &link : this->links_) {
    this->receive_(link, now);
    if (const Bytes packet = link.responder.due(now); !packet.empty())
      link.socket.send_to_all(packet);
  }
}

void HostMdns::receive_(Link &link, uint64_t now_ms) {
  sockaddr_in from{};
  for (int i = 0; i < PACKETS_A_LOOP; i++) {
    const size_t length = link.socket.receive(this->packet_, from);
    if (length == 0)
      return;
    const Bytes reply =
        link.responder.query(Bytes(this->packet_).first(length), is_mdns_port(from), now_ms, random_uint32());
    if (!reply.empty())
      link.socket.send_to(reply, from);
  }
}

void HostMdns::on_shutdown() {
  for (Link &link : this->links_)
    link.socket.send_to_all(link.responder.goodbye());
}

void HostMdns::dump_config() {
  ESP_LOGCONFIG(TAG, "Multicast DNS on %u interfaces", static_cast<unsigned>(this->links_.size()));
}

}  // namespace esphome::host_mdns
