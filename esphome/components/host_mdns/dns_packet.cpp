#include "dns_packet.h"

#include "dns_records.h"

#include <algorithm>

namespace esphome::host_mdns {

static constexpr uint8_t POINTER = 0xC0;
/// More than any sender needs for a name, and too few to keep anybody busy.
static constexpr int MOST_JUMPS = 16;
static constexpr size_t HEADER_SIZE = 12;
/// Of a record, besides its name and its data.
static constexpr size_t RECORD_SIZE = 10;

static uint8_t lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte; }

DnsName::DnsName(std::initializer_list<std::string_view> labels) {
  for (std::string_view label : labels) {
    label = label.substr(0, LONGEST_LABEL);
    this->add_label({reinterpret_cast<const uint8_t *>(label.data()), label.size()});
  }
}

bool DnsName::add_label(Bytes label) {
  if (label.empty() || label.size() > LONGEST_LABEL || this->size_ + 1 + label.size() > LONGEST)
    return false;
  uint8_t *end = this->bytes_.data() + this->size_ - 1;
  *end++ = static_cast<uint8_t>(label.size());
  end = std::copy(label.begin(), label.end(), end);
  *end = 0;
  this->size_ += 1 + label.size();
  return true;
}

bool DnsName::operator==(const DnsName &other) const {
  // Lengths are below 'A'.
  return std::ranges::equal(this->wire(), other.wire(), {}, lower, lower);
}

bool PacketReader::u16_(uint16_t &value) {
  if (this->packet_.size() - this->at_ < 2)
    return false;
  value = static_cast<uint16_t>(this->packet_[this->at_] << 8 | this->packet_[this->at_ + 1]);
  this->at_ += 2;
  return true;
}

bool PacketReader::u32_(uint32_t &value) {
  uint16_t high, low;
  if (!this->u16_(high) || !this->u16_(low))
    return false;
  value = static_cast<uint32_t>(high) << 16 | low;
  return true;
}

bool PacketReader::skip_(size_t bytes) {
  if (this->packet_.size() - this->at_ < bytes)
    return false;
  this->at_ += bytes;
  return true;
}

bool PacketReader::name_(DnsName &name) {
  name = DnsName();
  size_t at = this->at_;
  // Where the packet goes on: after the first pointer.
  size_t after = 0;
  int jumps = 0;
  while (at < this->packet_.size()) {
    const uint8_t length = this->packet_[at];
    if ((length & POINTER) == POINTER) {
      if (at + 1 >= this->packet_.size() || ++jumps > MOST_JUMPS)
        return false;
      if (after == 0)
        after = at + 2;
      const size_t target = static_cast<size_t>(length & ~POINTER) << 8 | this->packet_[at + 1];
      // Only backwards: a name has been sent before it is pointed to.
      if (target >= at)
        return false;
      at = target;
      continue;
    }
    if (length == 0) {
      this->at_ = after != 0 ? after : at + 1;
      return true;
    }
    if (length > DnsName::LONGEST_LABEL || this->packet_.size() - at <= length ||
        !name.add_label(this->packet_.subspan(at + 1, length)))
      return false;
    at += 1 + length;
  }
  return false;
}

bool PacketReader::header(DnsHeader &header) {
  return this->u16_(header.id) && this->u16_(header.flags) && this->u16_(header.questions) &&
         this->u16_(header.answers) && this->skip_(HEADER_SIZE - this->at_);
}

bool PacketReader::question(DnsQuestion &question) {
  return this->name_(question.name) && this->u16_(question.type) && this->u16_(question.dns_class);
}

bool PacketReader::answer(DnsAnswer &answer) {
  uint16_t size;
  if (!this->name_(answer.name) || !this->u16_(answer.type) || !this->u16_(answer.dns_class) ||
      !this->u32_(answer.ttl_s) || !this->u16_(size))
    return false;
  const size_t begin = this->at_;
  if (!this->skip_(size))
    return false;
  answer.data = this->packet_.subspan(begin, size);
  if (answer.type != TYPE_PTR)
    return true;
  PacketReader target(this->packet_);
  target.at_ = begin;
  return target.name_(answer.target) && target.at_ == this->at_;
}

void PacketWriter::u16_(uint16_t value) {
  this->buffer_[this->at_++] = static_cast<uint8_t>(value >> 8);
  this->buffer_[this->at_++] = static_cast<uint8_t>(value);
}

void PacketWriter::u32_(uint32_t value) {
  this->u16_(static_cast<uint16_t>(value >> 16));
  this->u16_(static_cast<uint16_t>(value));
}

bool PacketWriter::raw(Bytes bytes) {
  if (!this->room_for_(bytes.size()))
    return false;
  std::ranges::copy(bytes, this->buffer_.begin() + this->at_);
  this->at_ += bytes.size();
  return true;
}

bool PacketWriter::header(const DnsHeader &header, uint16_t additionals) {
  if (!this->room_for_(HEADER_SIZE))
    return false;
  for (uint16_t field : {header.id, header.flags, header.questions, header.answers, uint16_t{0}, additionals})
    this->u16_(field);
  return true;
}

bool PacketWriter::record(const DnsName &name, uint16_t type, uint16_t dns_class, uint32_t ttl_s, Bytes data) {
  if (!this->room_for_(name.wire().size() + RECORD_SIZE + data.size()))
    return false;
  this->raw(name.wire());
  this->u16_(type);
  this->u16_(dns_class);
  this->u32_(ttl_s);
  this->u16_(static_cast<uint16_t>(data.size()));
  return this->raw(data);
}

}  // namespace esphome::host_mdns
