// What a server without the log's keys can do to a true answer; test code only.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "audit/history.h"

namespace salus::audit {

// Scene is one patient's true answer, and what a hostile server has beside it.
struct Scene {
  HistoryAnswer answer;
  HistoryAnswer other;   // another patient's
  HistoryAnswer older;   // this patient's, of two hours ago
  std::size_t pick = 0;  // changes from patient to patient
};

// A change returns false where there is nothing to change.
using Change = std::function<bool(HistoryAnswer&, const Scene&)>;
using Changes = std::vector<std::pair<std::string, Change>>;

Changes AllChanges();

// Flip changes one bit of a byte; at is taken modulo the size.
void Flip(Bytes& bytes, std::size_t at);

}  // namespace salus::audit
