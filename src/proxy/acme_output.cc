#include "proxy/acme_output.h"

#include <algorithm>
#include <cctype>

#include "codec/json.h"
#include "proxy/retry_after.h"

namespace salus::proxy {
namespace {

constexpr std::string_view kProblemMark = "uacme: the server reported the following error:\n";
constexpr std::string_view kErrorUrn = "urn:ietf:params:acme:error:";

struct KnownProblem {
  std::string_view type;
  std::string_view sentence;
};

// RFC 8555 section 6.7: the ones that an operator can do something about.
constexpr KnownProblem kKnownProblems[] = {
    {"unauthorized", "the authority got another answer than ours when it asked for the challenge"},
    {"connection", "the authority could not connect to this server to check the challenge"},
    {"dns", "the authority could not look the name up in the DNS"},
    {"caa", "a CAA record in the DNS forbids this authority to certify the name"},
    {"tls", "the authority could not speak TLS with this server to check the challenge"},
    {"rateLimited", "the authority's rate limit is reached"},
    {"rejectedIdentifier", "the authority does not certify this name"},
    {"accountDoesNotExist", "the authority does not know our account key"},
    {"serverInternal", "the authority failed by itself"},
    {"userActionRequired", "the authority wants its new terms to be agreed to"},
    {"externalAccountRequired", "the authority wants an account made elsewhere first"},
};

std::string Printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : text) {
    if (out.size() == limit) break;
    out += c >= 0x20 && c < 0x7f ? c : '?';
  }
  while (!out.empty() && (out.back() == '.' || out.back() == ' ')) out.pop_back();
  return out;
}

std::string_view NextLine(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// The value of a header line called name, without blanks around it.
std::optional<std::string_view> HeaderValue(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  const bool is_same = std::ranges::equal(line.substr(0, name.size()), name, [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  });
  if (!is_same) return std::nullopt;
  line.remove_prefix(name.size() + 1);
  while (line.starts_with(' ') || line.starts_with('\t')) line.remove_prefix(1);
  while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
  return line;
}

// The Retry-After of the last answer, where its status is one that asks to wait.
std::optional<std::chrono::seconds> LastRetryAfter(std::string_view output, Timestamp now) {
  std::optional<std::chrono::seconds> found;
  bool asks_to_wait = false;
  while (!output.empty()) {
    const std::string_view line = NextLine(output);
    if (line.starts_with("HTTP/")) {
      const std::size_t blank = line.find(' ');
      const std::string_view status =
          blank == std::string_view::npos ? "" : line.substr(blank + 1, 3);
      asks_to_wait = status == "429" || status == "503";
      found.reset();
    } else if (asks_to_wait) {
      if (const auto value = HeaderValue(line, "retry-after")) {
        found = ParseRetryAfter(*value, now);
      }
    }
  }
  return found;
}

// The last problem document that was printed, as a sentence.
std::string LastProblem(std::string_view output, bool& is_unknown_account) {
  const std::size_t mark = output.rfind(kProblemMark);
  if (mark == std::string_view::npos) return {};
  std::string_view text = output.substr(mark + kProblemMark.size());
  const std::size_t end = text.find("\n}");
  if (end == std::string_view::npos) return {};
  const auto problem = codec::ParseJson(text.substr(0, end + 2));
  if (!problem || !problem->is_object()) return {};
  const auto type = codec::OptionalStringAt(problem->as_object(), "type");
  const auto detail = codec::OptionalStringAt(problem->as_object(), "detail");
  std::string sentence = "the authority refused";
  if (type && *type && (*type)->starts_with(kErrorUrn)) {
    const std::string_view name = (*type)->substr(kErrorUrn.size());
    is_unknown_account = name == "accountDoesNotExist";
    const auto* known = std::ranges::find(kKnownProblems, name, &KnownProblem::type);
    if (known != std::end(kKnownProblems)) sentence = known->sentence;
  }
  if (detail && *detail && !(*detail)->empty()) {
    sentence += " (it says: ";
    sentence += Printable(**detail, 240);
    sentence += ')';
  }
  return sentence;
}

// The last line that tells of a failure below HTTP, else the last line of all.
std::string LastComplaint(std::string_view output) {
  std::string_view last;
  std::string_view failure;
  while (!output.empty()) {
    std::string_view line = NextLine(output);
    if (!line.starts_with("uacme: ")) continue;
    line.remove_prefix(7);
    last = line;
    if (line.starts_with("curl_") && line.find(" failed: ") != std::string_view::npos) {
      failure = line.substr(line.find(' ') + 1);
    }
  }
  if (!failure.empty()) return Printable(failure, 300);
  return last.empty() ? std::string("it did not say why") : Printable(last, 300);
}

}  // namespace

AcmeReport AcmeReport::Parse(std::string_view output, Timestamp now) {
  AcmeReport report;
  report.retry_after = LastRetryAfter(output, now);
  report.is_unknown_account =
      output.find("uacme: no account associated with ") != std::string_view::npos;
  report.reason = LastProblem(output, report.is_unknown_account);
  if (report.reason.empty()) report.reason = LastComplaint(output);
  return report;
}

}  // namespace salus::proxy
