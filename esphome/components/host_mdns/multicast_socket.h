#pragma once

#include "dns_records.h"

#include <netinet/in.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace esphome::host_mdns {

/// A network interface of this machine with its IPv4 addresses.
struct Interface {
  std::string name;
  unsigned index;
  std::vector<Ipv4> addresses;
};

/// Return the interfaces on which there are others to talk to; that of the machine itself where there is no other.
std::vector<Interface> multicast_interfaces();

/// A UDP socket in the group of multicast DNS on one interface. Never waits.
class MulticastSocket {
 public:
  MulticastSocket() = default;
  MulticastSocket(MulticastSocket &&other) noexcept;
  MulticastSocket &operator=(MulticastSocket &&) = delete;
  ~MulticastSocket();

  /// False, with `errno`, where the network gives no multicast.
  bool open(const Interface &interface);
  /// Returns the length of the packet, 0 without one.
  size_t receive(std::span<uint8_t> buffer, sockaddr_in &from);
  void send_to_all(Bytes packet);
  void send_to(Bytes packet, const sockaddr_in &to);

 protected:
  int fd_{-1};
};

/// Whether a packet comes from somebody who speaks multicast DNS in full.
bool is_mdns_port(const sockaddr_in &address);

}  // namespace esphome::host_mdns
