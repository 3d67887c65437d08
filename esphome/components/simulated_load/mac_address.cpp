// One program serves many outlets on one machine: each gets its MAC address, and with it its name, from the environment.
// ESPHome compiles the address in; the linker sends every caller here instead (--wrap, see __init__.py).

#include "esphome/core/helpers.h"

#include <cstdio>
#include <cstdlib>

extern "C" void __real__ZN7esphome19get_mac_address_rawEPh(uint8_t *mac);

extern "C" void __wrap__ZN7esphome19get_mac_address_rawEPh(uint8_t *mac) {
  static constexpr const char *MAC_VARIABLE = "KONSENTO_MAC_ADDRESS";
  const char *text = std::getenv(MAC_VARIABLE);
  if (text == nullptr) {
    __real__ZN7esphome19get_mac_address_rawEPh(mac);
    return;
  }
  int read = 0;
  std::sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5],
              &read);
  if (read != 17 || text[17] != '\0') {
    // Asked before there is a logger.
    std::fprintf(stderr, "%s=%s is no MAC address (02:00:00:00:00:01)\n", MAC_VARIABLE, text);
    std::exit(2);
  }
}
