// RequestPatients numbers the subjects of one request in the order in which they come, so that each
// is looked up once, however many events it has.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "audit/epoch_store.h"
#include "audit/subject_cache.h"

namespace salus::audit {

// Threads: one at a time.
class RequestPatients {
 public:
  struct Patient {
    std::shared_ptr<const KnownSubject> subject;
    std::shared_ptr<Epoch> epoch;     // null until it is needed
    std::uint32_t epoch_entries = 0;  // to be sealed under it
  };

  explicit RequestPatients(SubjectCache& subjects) : subjects_(subjects) {}

  std::uint32_t PlaceOf(SubjectKind kind, std::string_view system, std::string_view id);

  std::size_t size() const { return patients_.size(); }
  Patient& operator[](std::uint32_t place) { return patients_[place]; }
  auto begin() { return patients_.begin(); }
  auto end() { return patients_.end(); }

 private:
  static constexpr std::uint32_t kEmpty = ~std::uint32_t{0};

  // SlotOf is where the subject stands in slots_, or the empty slot where it belongs.
  std::uint32_t& SlotOf(SubjectKind kind, std::string_view system, std::string_view id);
  void Grow();

  SubjectCache& subjects_;
  std::vector<Patient> patients_;
  std::vector<std::uint32_t> slots_;  // places, open addressing; a power of two, at most half full
};

}  // namespace salus::audit
