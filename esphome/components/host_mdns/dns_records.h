#pragma once

#include "dns_packet.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

/// What a device says about itself (RFC 6763). Knows no ESPHome.
namespace esphome::host_mdns {

inline constexpr uint16_t TYPE_A = 1;
inline constexpr uint16_t TYPE_PTR = 12;
inline constexpr uint16_t TYPE_TXT = 16;
inline constexpr uint16_t TYPE_AAAA = 28;
inline constexpr uint16_t TYPE_SRV = 33;
inline constexpr uint16_t TYPE_NSEC = 47;
inline constexpr uint16_t TYPE_ANY = 255;

/// Bit n: the record n of a list.
using RecordSet = uint32_t;
inline constexpr size_t MOST_RECORDS = 32;

using Ipv4 = std::array<uint8_t, 4>;

struct Service {
  std::string_view type, protocol;
  uint16_t port;
  std::vector<std::pair<std::string_view, std::string_view>> txt;
};

struct Record {
  DnsName name;
  uint16_t type;
  uint32_t ttl_s;
  /// Nobody else on the network has one of this name and type.
  bool unique;
  std::vector<uint8_t> data;
  /// What saves an asker the next question.
  RecordSet additional{0};

  bool answers(const DnsQuestion &question) const;
  bool is(const DnsAnswer &answer) const;
};

/// Return the records of a host of that name; at most MOST_RECORDS.
std::vector<Record> records_of(std::string_view host, const std::vector<Service> &services,
                               const std::vector<Ipv4> &addresses);

}  // namespace esphome::host_mdns
