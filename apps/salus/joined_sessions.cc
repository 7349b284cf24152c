#include "apps/salus/joined_sessions.h"

#include <algorithm>

#include "client/private_file.h"
#include "codec/hex.h"

namespace salus::cli {

namespace {

constexpr std::size_t kIdDigits = 32, kHashDigits = 64;
constexpr std::size_t kTitleAt = kIdDigits + 1 + kHashDigits + 1 + kHashDigits + 1;

std::string IdOf(const aggregate::PeerRoster& roster) {
  return codec::HexEncode(roster.fields().session) + ' ';
}

// A title is text for people: control characters, which would end the line, are no part of it.
std::string HostAndTitleOf(const aggregate::PeerRoster& roster) {
  return codec::HexEncode(roster.fields().host_fingerprint) + ' ' + roster.fields().title + '\n';
}

// Calls visit with each line, its LF included; false: a line is cut short.
template <typename Visit>
bool EachLine(std::string_view lines, Visit&& visit) {
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    if (end == std::string_view::npos || end < kTitleAt) return false;
    visit(lines.substr(0, end + 1));
    lines.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

Result<JoinedSessions> JoinedSessions::Open(const pki::IdentityDirectory& identity) {
  const std::string path = (identity.path() / "sums.txt").string();
  Result<std::string> lines = client::ReadSmallFile(path);
  if (!lines && lines.error().code == ErrorCode::kNotFound) return JoinedSessions(path, "");
  if (!lines) return lines.error();
  if (!EachLine(*lines, [](std::string_view) {})) {
    return Corruption(path +
                      " is not as it was written: it says which sums you took part in. "
                      "Restore it, or use another identity");
  }
  return JoinedSessions(path, *std::move(lines));
}

Result<void> JoinedSessions::Check(const aggregate::PeerRoster& roster) const {
  bool is_known = false;
  EachLine(lines_, [&](std::string_view line) { is_known |= line.starts_with(IdOf(roster)); });
  if (!is_known) return {};
  return FailedPrecondition(
      "you have taken part in this session before. Run again with one person less, it could tell "
      "the host that person's value: if the sum was not made, ask for a new roster, and why");
}

bool JoinedSessions::HasLike(const aggregate::PeerRoster& roster) const {
  const std::string wanted = HostAndTitleOf(roster);
  bool is_known = false;
  EachLine(lines_, [&](std::string_view line) {
    is_known |= line.substr(kIdDigits + 1 + kHashDigits + 1) == wanted;
  });
  return is_known;
}

Result<void> JoinedSessions::Remember(const aggregate::PeerRoster& roster) {
  if (!Check(roster)) return {};
  const std::string next =
      lines_ + IdOf(roster) + codec::HexEncode(roster.hash()) + ' ' + HostAndTitleOf(roster);
  TRY_VOID(client::ReplaceFile(path_, next));
  lines_ = next;
  return {};
}

}  // namespace salus::cli
