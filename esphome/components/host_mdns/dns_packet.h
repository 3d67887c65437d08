#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

/// DNS messages (RFC 1035) as multicast DNS uses them. Knows no ESPHome.
namespace esphome::host_mdns {

using Bytes = std::span<const uint8_t>;

/// A domain name: labels, each with its length before it, and a 0 at the end.
class DnsName {
 public:
  static constexpr size_t LONGEST = 255;
  static constexpr size_t LONGEST_LABEL = 63;

  DnsName() = default;
  /// Labels that are too long are cut.
  DnsName(std::initializer_list<std::string_view> labels);

  /// False, and nothing happens, when it does not fit.
  bool add_label(Bytes label);
  Bytes wire() const { return {this->bytes_.data(), this->size_}; }
  /// Upper and lower case of ASCII are the same.
  bool operator==(const DnsName &other) const;

 protected:
  std::array<uint8_t, LONGEST> bytes_{};
  size_t size_{1};
};

struct DnsHeader {
  uint16_t id, flags, questions, answers;
};

struct DnsQuestion {
  DnsName name;
  uint16_t type, dns_class;
};

struct DnsAnswer {
  DnsName name;
  uint16_t type, dns_class;
  uint32_t ttl_s;
  /// As it stands in the packet.
  Bytes data;
  /// Of a PTR record, what it points to.
  DnsName target;
};

/// Reads a packet of a stranger: each method returns false where the packet ends too early or makes no sense, and
/// reading ends there.
class PacketReader {
 public:
  explicit PacketReader(Bytes packet) : packet_(packet) {}

  bool header(DnsHeader &header);
  bool question(DnsQuestion &question);
  bool answer(DnsAnswer &answer);
  /// How much of the packet has been read.
  size_t position() const { return this->at_; }

 protected:
  bool u16_(uint16_t &value);
  bool u32_(uint32_t &value);
  bool name_(DnsName &name);
  bool skip_(size_t bytes);

  Bytes packet_;
  size_t at_{0};
};

/// Writes a packet. What does not fit is left out as a whole.
class PacketWriter {
 public:
  explicit PacketWriter(std::span<uint8_t> buffer) : buffer_(buffer) {}

  bool header(const DnsHeader &header, uint16_t additionals);
  bool raw(Bytes bytes);
  bool record(const DnsName &name, uint16_t type, uint16_t dns_class, uint32_t ttl_s, Bytes data);
  Bytes written() const { return this->buffer_.first(this->at_); }

 protected:
  bool room_for_(size_t bytes) const { return this->buffer_.size() - this->at_ >= bytes; }
  void u16_(uint16_t value);
  void u32_(uint32_t value);

  std::span<uint8_t> buffer_;
  size_t at_{0};
};

}  // namespace esphome::host_mdns
