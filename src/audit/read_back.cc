#include "audit/read_back.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/log.h"

namespace salus::audit {

namespace {

struct Expected {
  std::uint64_t index;
  ByteSpan entry;
  std::size_t place;                          // in the submission
  const tlog::PendingGrant* grant = nullptr;  // instead
};

// A grant stands in the commit of the first entry that needs it, and what it needs before it.
void AddGrants(const tlog::CommitAnswers& commit,
               std::span<const std::shared_ptr<tlog::PendingGrant>> grants,
               std::vector<Expected>& expected) {
  for (const auto& grant : grants) {
    const std::uint64_t index = grant->index;
    if (index < commit.first_index || index - commit.first_index >= commit.count) continue;
    expected.push_back({.index = index, .entry = grant->entry, .place = 0, .grant = grant.get()});
    AddGrants(commit, grant->needs, expected);
  }
}

std::vector<Expected> ExpectedOf(const tlog::Submission& submission) {
  std::vector<Expected> expected;
  expected.reserve(submission.outcomes.size());
  for (std::size_t i = 0; i < submission.outcomes.size(); ++i) {
    const tlog::Outcome& outcome = submission.outcomes[i];
    if (outcome.kind != tlog::OutcomeKind::kLogged) continue;
    expected.push_back({.index = outcome.index.value, .entry = submission.entry(i), .place = i});
  }
  if (submission.answers->grants.empty()) return expected;
  AddGrants(*submission.answers, submission.grants, expected);
  std::ranges::sort(expected, {}, &Expected::index);
  const auto twice = std::ranges::unique(expected, {}, &Expected::index);
  expected.erase(twice.begin(), twice.end());
  return expected;
}

}  // namespace

Result<void> ReadBack(const tlog::Log& log, const tlog::Submission& submission,
                      const OpenLogged& open) {
  const std::vector<Expected> expected = ExpectedOf(submission);
  std::vector<std::uint64_t> indexes;
  indexes.reserve(expected.size());
  for (const Expected& entry : expected) indexes.push_back(entry.index);
  std::size_t at = 0;
  return log.ReadEntries(indexes, [&](const storage::RecordView& record) -> Result<void> {
    const Expected& wanted = expected[at++];
    if (!Equal(record.payload, wanted.entry)) return Corruption("an entry reads back as another");
    if (wanted.grant != nullptr) {
      return wanted.grant->check ? wanted.grant->check(record.payload) : Result<void>();
    }
    TRY(const EntryView view, ParseEntry(record.payload));
    return open(wanted.place, view);
  });
}

void RequireReadBack(const tlog::Log& log, const tlog::Submission& submission,
                     const OpenLogged& open) {
  const Result<void> ok = ReadBack(log, submission, open);
  if (ok) return;
  Log(LogLevel::kError, "a commit does not read back as it was written: stopping",
      {{"reason", CodeName(ok.error().code)}});
  CHECK(ok.has_value());
}

}  // namespace salus::audit
