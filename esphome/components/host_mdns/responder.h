#pragma once

#include "dns_records.h"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace esphome::host_mdns {

/// What goes out when: multicast DNS (RFC 6762) for one network interface, on a clock that the caller gives. Names are
/// taken to be nobody else's: there is no probing. Knows no ESPHome and no socket.
class Responder {
 public:
  /// With the headers of IP and UDP it fits into one Ethernet frame.
  static constexpr size_t LONGEST_PACKET = 1440;

  Responder(std::vector<Record> records, uint64_t now_ms) : records_(std::move(records)), announce_ms_(now_ms) {}

  /// Take a packet from the network. Returns what to send back to its sender alone, empty for nothing.
  /// @param from_mdns whether it comes from the port of multicast DNS; others know nothing of it (RFC 6762 §6.7)
  /// @param chance any number, for the delay that keeps responders from talking at once
  Bytes query(Bytes packet, bool from_mdns, uint64_t now_ms, uint32_t chance);
  /// What to send to everybody now, empty for nothing.
  Bytes due(uint64_t now_ms);
  /// What to send to everybody before falling silent.
  Bytes goodbye();

 protected:
  struct Asked {
    RecordSet by_multicast{0};
    RecordSet by_unicast{0};
  };

  bool read_(PacketReader &reader, const DnsHeader &header, Asked &asked, size_t &questions_end) const;
  RecordSet all_() const { return static_cast<RecordSet>((uint64_t{1} << this->records_.size()) - 1); }
  /// Of these, the ones that may be sent to everybody again.
  RecordSet rested_(RecordSet set, uint64_t now_ms) const;
  /// Of these, the ones that nobody has heard for a quarter of their lifetime.
  RecordSet forgotten_(RecordSet set, uint64_t now_ms) const;
  RecordSet additional_of_(RecordSet set) const;
  Bytes answer_legacy_(RecordSet set, const DnsHeader &header, Bytes questions);
  Bytes write_(RecordSet answers, RecordSet additionals, bool alive);

  std::vector<Record> records_;
  /// When each was last sent to everybody.
  std::array<std::optional<uint64_t>, MOST_RECORDS> sent_ms_{};
  std::array<uint8_t, LONGEST_PACKET> buffer_{};
  RecordSet pending_{0};
  uint64_t pending_ms_{0};
  uint64_t announce_ms_;
  int announcements_{2};
};

}  // namespace esphome::host_mdns
