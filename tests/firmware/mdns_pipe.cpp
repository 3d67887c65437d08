// The multicast DNS responder behind a pipe, under sanitizers: each line on standard input is
//   <now ms> <1 = from port 5353> <packet in hex or ->
// or `goodbye`; each gets a line with what goes back to the sender and what goes to everybody, in hex or -.
#include "../../esphome/components/host_mdns/responder.h"

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

using namespace esphome::host_mdns;

namespace {

std::vector<uint8_t> from_hex(const std::string &text) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::string to_hex(Bytes bytes) {
  std::string text;
  char two[3];
  for (const uint8_t byte : bytes) {
    std::snprintf(two, sizeof(two), "%02x", byte);
    text += two;
  }
  return text.empty() ? "-" : text;
}

}  // namespace

int main() {
  const Service service{"_esphomelib", "_tcp", 6053, {{"project_name", "konsento.outlet"}, {"empty", ""}}};
  Responder responder(records_of("outlet-1", {service}, {Ipv4{192, 0, 2, 7}, Ipv4{192, 0, 2, 8}}), 0);
  std::string first, packet;
  while (std::cin >> first) {
    if (first == "goodbye") {
      std::cout << "- " << to_hex(responder.goodbye()) << std::endl;
      continue;
    }
    bool from_mdns;
    std::cin >> from_mdns >> packet;
    const uint64_t now_ms = std::stoull(first);
    // Exactly as large as the packet, so that a byte too far is seen.
    const std::vector<uint8_t> bytes = from_hex(packet);
    const std::string reply = bytes.empty() ? "-" : to_hex(responder.query(bytes, from_mdns, now_ms, 0));
    std::cout << reply << " " << to_hex(responder.due(now_ms)) << std::endl;
  }
}
