// Policies: the plain form of what parses is the same policy, and more cosigners never make less of
// a quorum.
#include "base/check.h"
#include "tlog/policy.h"

namespace salus::tlog {
namespace {

void CheckOne(std::string_view text) {
  const auto policy = Policy::Parse(text);
  if (!policy) return;
  const auto again = Policy::Parse(policy->ToText());
  CHECK(again.has_value() && *again == *policy);
  CHECK(again->ToText() == policy->ToText());

  std::vector<std::size_t> cosigners;
  bool was_quorum = policy->IsQuorum(cosigners);
  for (std::size_t i = 0; i < policy->witnesses().size(); ++i) {
    cosigners.push_back(i);
    const bool is_quorum = policy->IsQuorum(cosigners);
    CHECK(is_quorum || !was_quorum);
    was_quorum = is_quorum;
  }
  // A threshold is never above the number of members: all witnesses are always enough.
  CHECK(was_quorum);
}

}  // namespace
}  // namespace salus::tlog

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::tlog::CheckOne(salus::AsText({data, size}));
  return 0;
}
