#include "multicast_socket.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace esphome::host_mdns {

static constexpr uint16_t PORT = 5353;
static constexpr in_addr_t GROUP = 0xE00000FB;  // 224.0.0.251
/// RFC 6762 §11
static constexpr int HOPS = 255;

static sockaddr_in group_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(PORT);
  address.sin_addr.s_addr = htonl(GROUP);
  return address;
}

bool is_mdns_port(const sockaddr_in &address) { return ntohs(address.sin_port) == PORT; }

static std::vector<Interface> interfaces_with(unsigned wanted, unsigned unwanted) {
  std::vector<Interface> found;
  ifaddrs *list = nullptr;
  if (getifaddrs(&list) != 0)
    return found;
  for (const ifaddrs *entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET ||
        (entry->ifa_flags & wanted) != wanted || (entry->ifa_flags & unwanted) != 0)
      continue;
    auto known = std::ranges::find(found, entry->ifa_name, &Interface::name);
    if (known == found.end())
      known = found.insert(found.end(), {entry->ifa_name, if_nametoindex(entry->ifa_name), {}});
    sockaddr_in address;
    std::memcpy(&address, entry->ifa_addr, sizeof(address));
    Ipv4 bytes;
    std::memcpy(bytes.data(), &address.sin_addr, bytes.size());
    known->addresses.push_back(bytes);
  }
  freeifaddrs(list);
  return found;
}

std::vector<Interface> multicast_interfaces() {
  std::vector<Interface> found = interfaces_with(IFF_UP | IFF_RUNNING | IFF_MULTICAST, IFF_LOOPBACK);
  return found.empty() ? interfaces_with(IFF_UP | IFF_LOOPBACK, 0) : found;
}

MulticastSocket::MulticastSocket(MulticastSocket &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

MulticastSocket::~MulticastSocket() {
  if (this->fd_ >= 0)
    close(this->fd_);
}

template<typename T> static bool set_option(int fd, int level, int option, const T &value) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

bool MulticastSocket::open(const Interface &interface) {
  this->fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ip_mreqn membership{};
  membership.imr_multiaddr.s_addr = htonl(GROUP);
  membership.imr_ifindex = static_cast<int>(interface.index);
  const int on = 1, off = 0, hops = HOPS;
  // Bound to the group alone: packets for this machine itself belong to whoever else has the port, for instance Avahi
  // or Home Assistant.
  const sockaddr_in group = group_address();
  return this->fd_ >= 0 && set_option(this->fd_, SOL_SOCKET, SO_REUSEADDR, on) &&
         set_option(this->fd_, SOL_SOCKET, SO_REUSEPORT, on) &&
         ::bind(this->fd_, reinterpret_cast<const sockaddr *>(&group), sizeof(group)) == 0 &&
         // Otherwise it would hear what arrives at other interfaces as well.
         set_option(this->fd_, IPPROTO_IP, IP_MULTICAST_ALL, off) &&
         set_option(this->fd_, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership) &&
         set_option(this->fd_, IPPROTO_IP, IP_MULTICAST_IF, membership) &&
         set_option(this->fd_, IPPROTO_IP, IP_MULTICAST_TTL, hops) && set_option(this->fd_, IPPROTO_IP, IP_TTL, hops);
}

size_t MulticastSocket::receive(std::span<uint8_t> buffer, sockaddr_in &from) {
  socklen_t size = sizeof(from);
  const ssize_t length =
      recvfrom(this->fd_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr *>(&from), &size);
  return length > 0 ? static_cast<size_t>(length) : 0;
}

void MulticastSocket::send_to_all(Bytes packet) { this->send_to(packet, group_address()); }

void MulticastSocket::send_to(Bytes packet, const sockaddr_in &to) {
  // A packet that is lost here is lost like one on the network: whoever wants to know asks again.
  (void) sendto(this->fd_, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr *>(&to), sizeof(to));
}

}  // namespace esphome::host_mdns
