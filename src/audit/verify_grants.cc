// The grants of a chain: which keys the reader was given, and whether each is what it must be.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "audit/verify_parts.h"
#include "codec/rfc3339.h"

namespace salus::audit {

namespace {

// OpenedGrant says with which of the reader's keys a grant opened.
struct OpenedGrant {
  GrantPlaintext plaintext;
  bool is_own = false;
  bool is_by_day_key = false;
};

class GrantOpener {
 public:
  GrantOpener(const VerifyQuestion& question, const SubjectTag& tag)
      : origin_(question.log->origin),
        tag_(tag),
        keys_(question.keys),
        is_subject_(keys_ != nullptr && keys_->reader == question.subject) {}

  // nullopt: no key of the reader opens it. Errors: it opens, but is not what it commits to.
  Result<std::optional<OpenedGrant>> Open(const GrantBody& grant) {
    if (keys_ == nullptr) return std::optional<OpenedGrant>();
    // The first slot is the subject's, and nobody else's.
    for (const auto* key : {keys_->own_key, keys_->custody_key}) {
      if (!is_subject_) break;
      if (key == nullptr) continue;
      auto opened = OpenGrantAsSubject(origin_, grant, tag_, *key);
      if (opened)
        return std::optional(OpenedGrant{*std::move(opened), key == keys_->own_key, false});
      if (opened.error().code != ErrorCode::kNotFound) return opened.error();
    }
    // Grants follow the days, and so do day keys: the one that opened last is tried first.
    for (std::size_t i = 0; i < keys_->day_keys.size(); ++i) {
      const std::size_t at = (next_day_key_ + i) % keys_->day_keys.size();
      auto opened = OpenGrantWithDayKey(origin_, grant, tag_, keys_->day_keys[at]);
      if (opened) {
        next_day_key_ = at;
        return std::optional(OpenedGrant{*std::move(opened), false, true});
      }
      if (opened.error().code != ErrorCode::kNotFound) return opened.error();
    }
    return OpenShared(grant);
  }

 private:
  Result<std::optional<OpenedGrant>> OpenShared(const GrantBody& grant) const {
    for (const SharedGrant& shared : keys_->shared) {
      if (shared.commit != grant.commit) continue;
      TRY(GrantPlaintext opened, OpenGrantShared(origin_, grant, tag_, shared));
      return std::optional(OpenedGrant{std::move(opened), false, false});
    }
    return std::optional<OpenedGrant>();
  }

  const std::string& origin_;
  const SubjectTag& tag_;
  const ReaderKeys* keys_;
  const bool is_subject_;
  std::size_t next_day_key_ = 0;
};

Result<void> CheckReaders(const VerifyQuestion& question, std::uint64_t index,
                          const OpenedGrant& grant) {
  const auto& readers = grant.plaintext.readers;
  if (readers.empty() || readers[0] != question.subject) {
    return AtEntry(index, "the grant does not name its subject as its first reader");
  }
  std::set<Subject> named;
  for (std::size_t slot = 1; slot < readers.size(); ++slot) {
    if (!readers[slot]) continue;
    if (readers[slot]->kind != SubjectKind::kAuditor || !named.insert(*readers[slot]).second) {
      return AtEntry(index, "the grant names a reader that is no auditor, or one twice");
    }
  }
  if (grant.is_by_day_key && !named.contains(question.keys->reader)) {
    return AtEntry(index, "the grant opens for this reader, but does not name it");
  }
  return {};
}

Result<void> CheckDay(std::uint64_t index, Day day, const Timeline& timeline) {
  const merkle::LeafIndex at{index};
  const Timestamp begin(day);
  const Timestamp end(day + std::chrono::days(1));
  const Timestamp latest = timeline.LatestOf(at);
  const bool is_ahead = latest != Timestamp::max() && begin > latest + kDayTolerance;
  if (is_ahead || end + kDayTolerance < timeline.EarliestOf(at)) {
    return AtEntry(index, fmt::format("the grant is of {}, but was not logged on that day",
                                      codec::FormatDay(day)));
  }
  return {};
}

// A key that two grants give is one key, if both say the same of it (more than 7 readers).
Result<void> AddKey(std::uint64_t index, const OpenedGrant& grant,
                    std::map<EntryKeyId, std::size_t>& by_print, GrantTable& table) {
  GrantedKey granted{EpochKey(grant.plaintext.key.Clone()),
                     {index},
                     FromUnixDay(grant.plaintext.day),
                     grant.is_own};
  const EntryKeyId print = KeyIdOf(granted.key.KeyOf(EntryIv{}));
  const auto [at, is_new] = by_print.try_emplace(print, table.keys.size());
  if (is_new) {
    table.keys.push_back(std::move(granted));
    return {};
  }
  GrantedKey& same = table.keys[at->second];
  const GrantPlaintext& first = table.opened.at(same.grants.front());
  if (same.day != granted.day || first.policy_index != grant.plaintext.policy_index) {
    return AtEntry(index,
                   fmt::format("the grant gives the key of entry {} once more, but for another "
                               "day or policy",
                               same.grants.front()));
  }
  same.grants.push_back(index);
  return {};
}

Result<void> CheckOpened(const VerifyQuestion& question, std::uint64_t index,
                         const OpenedGrant& grant, const Timeline& timeline,
                         const GrantTable& table) {
  TRY_VOID(CheckReaders(question, index, grant));
  const GrantPlaintext& plaintext = grant.plaintext;
  if (plaintext.type == GrantType::kDayKey && question.subject.kind != SubjectKind::kAuditor) {
    return AtEntry(index, "the grant of a day key stands in a chain that is no auditor's");
  }
  if (plaintext.day > 10'000'000) return AtEntry(index, "the grant is of no day");
  TRY_VOID(CheckDay(index, FromUnixDay(plaintext.day), timeline));
  TRY_VOID(CheckBehind(index, FromUnixDay(plaintext.day), table));
  const std::uint64_t last_policy = table.LastPolicyBefore(index);
  if (plaintext.policy_index != last_policy) {
    return AtEntry(
        index,
        plaintext.policy_index > last_policy
            ? fmt::format("the grant follows policy entry {}, which the server does not show: "
                          "who may read was changed, and is hidden",
                          plaintext.policy_index)
            : fmt::format("the grant was made before policy entry {}, and stands behind it: "
                          "readers of then would read on",
                          last_policy));
  }
  return {};
}

// The patient's kMandateSet entry before a grant tells which of the auditor's mandates was in
// force.
bool MustOpen(const VerifyQuestion& question, std::uint64_t grant, std::uint64_t mandate_entry,
              const Timeline& timeline) {
  const auto& known_to = question.keys->own_chain_size;
  if (known_to && grant >= known_to->value) return false;
  const ReaderMandate* in_force = nullptr;
  for (const ReaderMandate& mandate : question.keys->mandates) {
    if (mandate.index.value < mandate_entry) in_force = &mandate;
  }
  if (in_force == nullptr || (in_force->ended && in_force->ended->value <= grant)) return false;
  const auto& patients = in_force->patients;
  if (std::find(patients.begin(), patients.end(), question.subject) == patients.end()) return false;
  const Day earliest =
      std::max(DayOf(timeline.EarliestOf({grant}) - kDayTolerance), in_force->logged);
  const Timestamp latest = timeline.LatestOf({grant});
  const bool is_before_end =
      !in_force->until || (latest != Timestamp::max() && DayOf(latest) <= *in_force->until);
  return in_force->from <= earliest && is_before_end;
}

// An epoch with many readers has several grants in a row; one of them is enough for each reader.
Result<void> CheckAuditorRuns(const VerifyQuestion& question, std::span<const ProvenEntry> entries,
                              const VerifiedChain& chain, const Timeline& timeline,
                              const GrantTable& table) {
  std::map<std::uint64_t, std::size_t> positions;
  for (std::size_t i = 0; i < chain.items.size(); ++i) positions[chain.items[i].index.value] = i;
  std::uint64_t mandate_entry = 0;
  for (std::size_t i = 0; i < entries.size();) {
    const ProvenEntry& entry = entries[i];
    if (entry.is_policy() && entry.view.other->type == EventType::kMandateSet) {
      mandate_entry = entry.item.index.value;
    }
    if (!entry.view.grant) {
      ++i;
      continue;
    }
    bool has_opened = false;
    const std::uint64_t first = entry.item.index.value;
    for (std::size_t position = positions.at(first);
         i < entries.size() && entries[i].view.grant &&
         positions.at(entries[i].item.index.value) == position;
         ++i, ++position) {
      has_opened |= table.opened.contains(entries[i].item.index.value);
    }
    if (!has_opened && MustOpen(question, first, mandate_entry, timeline)) {
      return AtEntry(first,
                     "the grant does not open, though this reader's mandate covers it: the "
                     "operator keeps entries from the auditor");
    }
  }
  return {};
}

}  // namespace

// Whoever asks about all days has no checkpoints between them; the grants' own days are clock
// enough for a key that was kept for long. One day apart they may cross at midnight.
Result<void> CheckBehind(std::uint64_t index, Day day, const GrantTable& table) {
  const std::optional<Day> newest = table.NewestDayBefore(index);
  if (!newest || *newest <= day + std::chrono::days(1)) return {};
  return AtEntry(index, fmt::format("it is of {}, and stands behind a grant of {}: the key was not "
                                    "forgotten",
                                    codec::FormatDay(day), codec::FormatDay(*newest)));
}

std::uint64_t GrantTable::LastPolicyBefore(std::uint64_t index) const {
  const auto at = std::lower_bound(policies.begin(), policies.end(), index);
  return at == policies.begin() ? 0 : *std::prev(at);
}

std::optional<Day> GrantTable::NewestDayBefore(std::uint64_t index) const {
  const auto at =
      std::lower_bound(newest_days_.begin(), newest_days_.end(), index,
                       [](const auto& one, std::uint64_t wanted) { return one.first < wanted; });
  return at == newest_days_.begin() ? std::nullopt : std::optional(std::prev(at)->second);
}

void GrantTable::AddDay(std::uint64_t index, Day day) {
  if (newest_days_.empty() || newest_days_.back().second < day)
    newest_days_.emplace_back(index, day);
}

Result<GrantTable> OpenGrants(const VerifyQuestion& question, const VerifiedChain& chain,
                              std::span<const ProvenEntry> entries, const Timeline& timeline) {
  GrantTable table;
  std::map<EntryKeyId, std::size_t> by_print;
  GrantOpener opener(question, chain.tag);
  for (const ProvenEntry& entry : entries) {
    const std::uint64_t index = entry.item.index.value;
    if (entry.is_policy()) table.policies.push_back(index);
    if (!entry.view.grant) continue;
    if (FindOf(chain.tag, entry.view.grant->commit) != entry.view.grant->find) {
      return AtEntry(index, "the grant is not of this subject");
    }
    Result<std::optional<OpenedGrant>> opened = opener.Open(*entry.view.grant);
    if (!opened) return AtEntry(index, opened.error().message);
    if (!*opened) {
      table.closed.push_back(index);
      continue;
    }
    OpenedGrant& grant = **opened;
    TRY_VOID(CheckOpened(question, index, grant, timeline, table));
    if (grant.plaintext.type == GrantType::kEpochKey) {
      TRY_VOID(AddKey(index, grant, by_print, table));
    }
    table.AddDay(index, FromUnixDay(grant.plaintext.day));
    table.opened.emplace(index, std::move(grant.plaintext));
  }
  const bool is_auditing = question.keys != nullptr && question.subject != question.keys->reader;
  if (is_auditing) TRY_VOID(CheckAuditorRuns(question, entries, chain, timeline, table));
  return table;
}

}  // namespace salus::audit
