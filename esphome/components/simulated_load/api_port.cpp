#include "api_port.h"

#include "esphome/components/api/api_server.h"
#include "esphome/core/log.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace esphome::simulated_load {

static const char *const TAG = "simulated_load";
static constexpr const char *PORT_VARIABLE = "KONSENTO_API_PORT";

void take_api_port_from_environment() {
  const char *text = std::getenv(PORT_VARIABLE);
  if (text == nullptr)
    return;
  uint16_t port = 0;
  const char *end = text + std::strlen(text);
  const auto [last, error] = std::from_chars(text, end, port);
  if (error != std::errc{} || last != end || port == 0) {
    ESP_LOGE(TAG, "%s=%s is no port (1 to 65535)", PORT_VARIABLE, text);
    std::exit(2);
  }
  api::global_api_server->set_port(port);
}

}  // namespace esphome::simulated_load
