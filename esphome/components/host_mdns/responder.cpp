#include "responder.h"

#include <algorithm>

namespace esphome::host_mdns {

static constexpr uint16_t FLAG_RESPONSE = 0x8000;
static constexpr uint16_t FLAG_AUTHORITATIVE = 0x0400;
static constexpr uint16_t MASK_OPCODE = 0x7800;
static constexpr uint16_t MASK_ERROR = 0x000F;
static constexpr uint16_t CLASS_IN = 1;
static constexpr uint16_t CLASS_ANY = 255;
/// Of a question: please answer me alone. Of a record: whatever else you know of this name and type is old.
static constexpr uint16_t TOP_BIT = 0x8000;

/// RFC 6762 §6: an answer that others may give as well waits 20 to 120 ms.
static constexpr uint32_t SHORTEST_DELAY_MS = 20;
static constexpr uint32_t DELAYS_MS = 101;
/// §6 too: nothing is sent to everybody twice within a second.
static constexpr uint64_t REST_MS = 1000;
/// §8.3
static constexpr uint64_t ANNOUNCEMENT_INTERVAL_MS = 1000;
/// §6.7
static constexpr uint32_t LEGACY_TTL_S = 10;
static constexpr size_t HEADER_SIZE = 12;

Bytes Responder::query(Bytes packet, bool from_mdns, uint64_t now_ms, uint32_t chance) {
  PacketReader reader(packet);
  DnsHeader header;
  Asked asked;
  size_t questions_end;
  if (!reader.header(header) || (header.flags & (FLAG_RESPONSE | MASK_OPCODE | MASK_ERROR)) != 0 ||
      !this->read_(reader, header, asked, questions_end))
    return {};
  if (!from_mdns)
    return this->answer_legacy_(asked.by_multicast | asked.by_unicast, header,
                                packet.subspan(HEADER_SIZE, questions_end - HEADER_SIZE));
  // §5.4: what has not been told to everybody for long is told to everybody, so that nobody's memory runs out.
  asked.by_multicast |= this->forgotten_(asked.by_unicast, now_ms);
  asked.by_unicast &= ~asked.by_multicast;
  if (asked.by_multicast != 0) {
    const bool shared = std::ranges::any_of(this->records_, [&](const Record &record) {
      return !record.unique && (asked.by_multicast >> (&record - this->records_.data()) & 1) != 0;
    });
    const uint64_t at = now_ms + (shared ? SHORTEST_DELAY_MS + chance % DELAYS_MS : 0);
    this->pending_ms_ = this->pending_ == 0 ? at : std::min(this->pending_ms_, at);
    this->pending_ |= asked.by_multicast;
  }
  if (asked.by_unicast == 0)
    return {};
  return this->write_(asked.by_unicast, this->additional_of_(asked.by_unicast), true);
}

bool Responder::read_(PacketReader &reader, const DnsHeader &header, Asked &asked, size_t &questions_end) const {
  for (uint16_t left = header.questions; left > 0; left--) {
    DnsQuestion question;
    if (!reader.question(question))
      return false;
    const uint16_t dns_class = question.dns_class & ~TOP_BIT;
    if (dns_class != CLASS_IN && dns_class != CLASS_ANY)
      continue;
    RecordSet &set = (question.dns_class & TOP_BIT) != 0 ? asked.by_unicast : asked.by_multicast;
    for (size_t i = 0; i < this->records_.size(); i++) {
      if (this->records_[i].answers(question))
        set |= RecordSet{1} << i;
    }
  }
  questions_end = reader.position();
  for (uint16_t left = header.answers; left > 0; left--) {
    DnsAnswer known;
    if (!reader.answer(known))
      return false;
    for (size_t i = 0; i < this->records_.size(); i++) {
      // §7.1: what the asker knows for long enough is not said again.
      if (this->records_[i].is(known) && known.ttl_s >= this->records_[i].ttl_s / 2) {
        asked.by_multicast &= ~(RecordSet{1} << i);
        asked.by_unicast &= ~(RecordSet{1} << i);
      }
    }
  }
  return true;
}

Bytes Responder::due(uint64_t now_ms) {
  RecordSet answers = 0;
  RecordSet additionals = 0;
  if (this->announcements_ > 0 && now_ms >= this->announce_ms_) {
    this->announcements_--;
    this->announce_ms_ = now_ms + ANNOUNCEMENT_INTERVAL_MS;
    answers = this->all_();
  } else if (this->pending_ != 0 && now_ms >= this->pending_ms_) {
    answers = this->rested_(this->pending_, now_ms);
    additionals = this->rested_(this->additional_of_(answers), now_ms);
  }
  if (answers == 0)
    return {};
  this->pending_ &= ~answers;
  for (size_t i = 0; i < this->records_.size(); i++) {
    if (((answers | additionals) >> i & 1) != 0)
      this->sent_ms_[i] = now_ms;
  }
  return this->write_(answers, additionals, true);
}

Bytes Responder::goodbye() { return this->write_(this->all_(), 0, false); }

RecordSet Responder::rested_(RecordSet set, uint64_t now_ms) const {
  for (size_t i = 0; i < this->records_.size(); i++) {
    if (this->sent_ms_[i].has_value() && now_ms - *this->sent_ms_[i] < REST_MS)
      set &= ~(RecordSet{1} << i);
  }
  return set;
}

RecordSet Responder::forgotten_(RecordSet set, uint64_t now_ms) const {
  for (size_t i = 0; i < this->records_.size(); i++) {
    const uint64_t quarter_ms = this->records_[i].ttl_s * uint64_t{1000} / 4;
    if (this->sent_ms_[i].has_value() && now_ms - *this->sent_ms_[i] < quarter_ms)
      set &= ~(RecordSet{1} << i);
  }
  return set;
}

RecordSet Responder::additional_of_(RecordSet set) const {
  RecordSet additionals = 0;
  for (size_t i = 0; i < this->records_.size(); i++) {
    if ((set >> i & 1) != 0)
      additionals |= this->records_[i].additional;
  }
  return additionals & ~set;
}

Bytes Responder::answer_legacy_(RecordSet set, const DnsHeader &header, Bytes questions) {
  if (set == 0)
    return {};
  PacketWriter body(std::span(this->buffer_).subspan(HEADER_SIZE));
  // As they stood in the packet, and at the same place, so that what points into them stays right.
  if (!body.raw(questions))
    return {};
  uint16_t answers = 0;
  for (size_t i = 0; i < this->records_.size(); i++) {
    const Record &record = this->records_[i];
    if ((set >> i & 1) != 0 &&
        body.record(record.name, record.type, CLASS_IN, std::min(record.ttl_s, LEGACY_TTL_S), record.data))
      answers++;
  }
  PacketWriter head(this->buffer_);
  head.header({header.id, FLAG_RESPONSE | FLAG_AUTHORITATIVE, header.questions, answers}, 0);
  return Bytes(this->buffer_).first(HEADER_SIZE + body.written().size());
}

Bytes Responder::write_(RecordSet answers, RecordSet additionals, bool alive) {
  PacketWriter body(std::span(this->buffer_).subspan(HEADER_SIZE));
  const auto write = [&](RecordSet set) {
    uint16_t written = 0;
    for (size_t i = 0; i < this->records_.size(); i++) {
      const Record &record = this->records_[i];
      const uint16_t dns_class = record.unique ? CLASS_IN | TOP_BIT : CLASS_IN;
      if ((set >> i & 1) != 0 &&
          body.record(record.name, record.type, dns_class, alive ? record.ttl_s : 0, record.data))
        written++;
    }
    return written;
  };
  const uint16_t first = write(answers);
  const uint16_t second = write(additionals);
  PacketWriter head(this->buffer_);
  head.header({0, FLAG_RESPONSE | FLAG_AUTHORITATIVE, 0, first}, second);
  return Bytes(this->buffer_).first(HEADER_SIZE + body.written().size());
}

}  // namespace esphome::host_mdns
