#include <algorithm>
#include <bit>

#include "base/check.h"
#include "tlog/entry_index.h"

namespace salus::tlog {

void RecentEntries::AddPosting(SubjectNumber subject, std::uint64_t index) {
  if (tails_.size() <= subject.value) {
    tails_.resize(std::max<std::size_t>(subject.value + 1, tails_.size() * 2), kNone);
  }
  const std::uint64_t delta = index - first_;
  CHECK(delta < kNone);
  links_.push_back({subject.value, static_cast<std::uint32_t>(delta), tails_[subject.value]});
  tails_[subject.value] = static_cast<std::uint32_t>(links_.size() - 1);
}

void RecentEntries::FindPostings(SubjectNumber subject, std::vector<std::uint64_t>& found) const {
  if (subject.value >= tails_.size()) return;
  const auto old_size = static_cast<std::ptrdiff_t>(found.size());
  for (std::uint32_t at = tails_[subject.value]; at != kNone; at = links_[at].previous) {
    found.push_back(first_ + links_[at].delta);
  }
  std::reverse(found.begin() + old_size, found.end());
}

void RecentEntries::ReserveRepeats(std::size_t more) {
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(16, (used_slots_ + more) * 2));
  if (slots > slots_.size()) GrowSlots(slots);
}

void RecentEntries::GrowSlots(std::size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  used_slots_ = 0;
  for (const Slot& slot : old) {
    if (slot.index_plus_one != 0) {
      AddRepeat(slot.key, slot.index_plus_one - 1);
    }
  }
}

void RecentEntries::AddRepeat(std::uint64_t key, std::uint64_t index) {
  if (used_slots_ * 2 >= slots_.size()) {
    GrowSlots(std::max<std::size_t>(1024, slots_.size() * 2));
  }
  // The keys are bytes of an HMAC: their low bits are as good as any hash.
  std::size_t at = key & (slots_.size() - 1);
  while (slots_[at].index_plus_one != 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {key, index + 1};
  ++used_slots_;
}

void RecentEntries::FindRepeat(std::uint64_t key, std::vector<std::uint64_t>& found) const {
  if (slots_.empty()) return;
  for (std::size_t at = key & (slots_.size() - 1); slots_[at].index_plus_one != 0;
       at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].key == key) {
      found.push_back(slots_[at].index_plus_one - 1);
    }
  }
}

std::vector<storage::Posting> RecentEntries::Postings() const {
  std::vector<storage::Posting> postings;
  postings.reserve(links_.size());
  for (const Link& link : links_) postings.push_back({link.subject, first_ + link.delta});
  return postings;
}

std::vector<storage::SortedRunEntry> RecentEntries::Repeats() const {
  std::vector<storage::SortedRunEntry> entries;
  entries.reserve(used_slots_);
  for (const Slot& slot : slots_) {
    if (slot.index_plus_one != 0) {
      entries.push_back({slot.key, slot.index_plus_one - 1});
    }
  }
  return entries;
}

}  // namespace salus::tlog
