#include "proxy/refused_clients.h"

#include <string>

namespace salus::proxy {

void RefusedClients::Note(std::string_view reason, std::chrono::steady_clock::time_point now) {
  std::lock_guard lock(mutex_);
  ++untold_;
  if (last_told_ && now - *last_told_ < kInterval) return;
  std::string text = "a client's certificate was refused: " + std::string(reason);
  if (untold_ > 1) text += " (" + std::to_string(untold_) + " refused since the last such line)";
  last_told_ = now;
  if (say_(text)) untold_ = 0;
}

}  // namespace salus::proxy
