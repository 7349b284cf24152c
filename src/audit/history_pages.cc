// The pages of an answer, put together again. Nothing is believed here that VerifyHistory does not
// check again: these checks only say which page is the wrong one.

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "audit/history.h"
#include "tlog/checkpoint.h"

namespace salus::audit {

namespace {

constexpr std::uint64_t kMaxAnswerBytes = std::uint64_t{2} << 30;

// The chain is covered up to answer.next's position. Errors: VerificationFailed.
Result<void> CheckFollows(const HistoryAnswer& answer, merkle::TreeSize size,
                          const HistoryPage& page, std::size_t number) {
  const auto fail = [number](std::string_view what) {
    return VerificationFailed(fmt::format("page {} of the answer {}", number, what));
  };
  if (page.size != size) {
    return fail(fmt::format("is of the checkpoint over {} entries, the first page of that over {}",
                            page.size.value, size.value));
  }
  const std::uint64_t begin = answer.next->position;
  const std::uint64_t count = answer.map_value ? answer.map_value->count : 0;
  if (page.position != begin) {
    return fail(
        fmt::format("begins behind {} entries of the chain, not behind {}: a page was "
                    "dropped or repeated",
                    page.position, begin));
  }
  const std::uint64_t end = page.next ? page.next->position : count;
  if (end <= begin || end > count) {
    return fail(fmt::format("leads from entry {} of the chain to {}, and the map counts {}", begin,
                            end, count));
  }
  const std::uint64_t known = std::max(begin, std::min(answer.after, end));
  if (page.chain.size() != end - known) {
    return fail(fmt::format("holds {} entries of the chain, and not the {} that it covers",
                            page.chain.size(), end - known));
  }
  return {};
}

}  // namespace

Result<Bytes> AssembleHistory(Bytes first,
                              const std::function<Result<Bytes>(std::string_view token)>& fetch) {
  TRY(HistoryAnswer answer, DecodeHistory(first));
  if (!answer.next) return first;
  const auto checkpoint = tlog::SignedCheckpoint::Parse(answer.newest.note);
  if (!checkpoint) return VerificationFailed("the newest checkpoint is not one");
  std::uint64_t bytes = first.size();
  for (std::size_t number = 2; answer.next; ++number) {
    TRY(const Bytes encoded, fetch(answer.next->token));
    bytes += encoded.size();
    if (bytes > kMaxAnswerBytes) {
      return ResourceExhausted("the answer is over 2 GiB: ask for fewer days");
    }
    TRY(HistoryPage page, DecodeHistoryPage(encoded));
    TRY_VOID(CheckFollows(answer, checkpoint->checkpoint.size, page, number));
    answer.chain.insert(answer.chain.end(), page.chain.begin(), page.chain.end());
    answer.inclusion.push_back({page.shown.size(), std::move(page.inclusion)});
    std::move(page.shown.begin(), page.shown.end(), std::back_inserter(answer.shown));
    answer.next = std::move(page.next);
  }
  return EncodeHistory(answer);
}

}  // namespace salus::audit
