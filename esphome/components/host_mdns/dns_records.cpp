#include "dns_records.h"

#include <algorithm>

namespace esphome::host_mdns {

static constexpr std::string_view LOCAL = "local";
/// RFC 6762 §10: what holds a host's name or address, and everything else.
static constexpr uint32_t HOST_TTL_S = 120;
static constexpr uint32_t OTHER_TTL_S = 75 * 60;
static constexpr size_t LONGEST_TXT = 255;

bool Record::answers(const DnsQuestion &question) const {
  if (!(question.name == this->name))
    return false;
  // "Nothing but IPv4" is the answer to whoever asks for IPv6 (RFC 6762 §6.1).
  if (this->type == TYPE_NSEC && question.type == TYPE_AAAA)
    return true;
  return question.type == this->type || question.type == TYPE_ANY;
}

bool Record::is(const DnsAnswer &answer) const {
  if (answer.type != this->type || !(answer.name == this->name))
    return false;
  return std::ranges::equal(this->data, this->type == TYPE_PTR ? answer.target.wire() : answer.data);
}

static std::vector<uint8_t> to_data(const DnsName &name) { return {name.wire().begin(), name.wire().end()}; }

static std::vector<uint8_t> srv_data(uint16_t port, const DnsName &host) {
  // Priority and weight: there is nobody to choose from.
  std::vector<uint8_t> data{0, 0, 0, 0, static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port)};
  data.insert(data.end(), host.wire().begin(), host.wire().end());
  return data;
}

static std::vector<uint8_t> txt_data(const Service &service) {
  std::vector<uint8_t> data;
  for (const auto &[key, value] : service.txt) {
    const size_t room = LONGEST_TXT - std::min(LONGEST_TXT, key.size() + 1);
    const std::string_view shown = value.substr(0, room);
    data.push_back(static_cast<uint8_t>(key.size() + 1 + shown.size()));
    data.insert(data.end(), key.begin(), key.end());
    data.push_back('=');
    data.insert(data.end(), shown.begin(), shown.end());
  }
  if (data.empty())
    data.push_back(0);  // RFC 6763 §6.1: a TXT record is never empty
  return data;
}

std::vector<Record> records_of(std::string_view host, const std::vector<Service> &services,
                               const std::vector<Ipv4> &addresses) {
  const DnsName host_name{host, LOCAL};
  std::vector<Record> records;
  RecordSet host_records = 0;
  const auto add = [&records](Record record) -> RecordSet {
    if (records.size() == MOST_RECORDS)
      return 0;
    records.push_back(std::move(record));
    return RecordSet{1} << (records.size() - 1);
  };
  for (const Ipv4 &address : addresses)
    host_records |= add({host_name, TYPE_A, HOST_TTL_S, true, {address.begin(), address.end()}});
  std::vector<uint8_t> only_ipv4 = to_data(host_name);
  only_ipv4.insert(only_ipv4.end(), {0, 1, 0x80 >> TYPE_A});
  host_records |= add({host_name, TYPE_NSEC, HOST_TTL_S, true, only_ipv4});
  for (const Service &service : services) {
    const DnsName type{service.type, service.protocol, LOCAL};
    const DnsName instance{host, service.type, service.protocol, LOCAL};
    const RecordSet srv =
        add({instance, TYPE_SRV, HOST_TTL_S, true, srv_data(service.port, host_name), host_records});
    const RecordSet txt = add({instance, TYPE_TXT, OTHER_TTL_S, true, txt_data(service)});
    add({type, TYPE_PTR, OTHER_TTL_S, false, to_data(instance), srv | txt | host_records});
    add({{"_services", "_dns-sd", "_udp", LOCAL}, TYPE_PTR, OTHER_TTL_S, false, to_data(type)});
  }
  return records;
}

}  // namespace esphome::host_mdns
