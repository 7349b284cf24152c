#include "audit/request_patients.h"

#include <algorithm>
#include <functional>

namespace salus::audit {

std::uint32_t& RequestPatients::SlotOf(SubjectKind kind, std::string_view system,
                                       std::string_view id) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = std::hash<std::string_view>()(id) & mask;
  for (; slots_[at] != kEmpty; at = (at + 1) & mask) {
    const Subject& known = patients_[slots_[at]].subject->subject;
    if (known.id == id && known.system == system && known.kind == kind) break;
  }
  return slots_[at];
}

void RequestPatients::Grow() {
  slots_.assign(std::max<std::size_t>(16, slots_.size() * 4), kEmpty);
  for (std::uint32_t place = 0; place < patients_.size(); ++place) {
    const Subject& subject = patients_[place].subject->subject;
    SlotOf(subject.kind, subject.system, subject.id) = place;
  }
}

std::uint32_t RequestPatients::PlaceOf(SubjectKind kind, std::string_view system,
                                       std::string_view id) {
  if (patients_.size() * 2 >= slots_.size()) Grow();
  std::uint32_t& slot = SlotOf(kind, system, id);
  if (slot == kEmpty) {
    slot = static_cast<std::uint32_t>(patients_.size());
    patients_.push_back({.subject = subjects_.Get(kind, system, id), .epoch = nullptr});
  }
  return slot;
}

}  // namespace salus::audit
