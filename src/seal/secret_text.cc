#include "seal/secret_text.h"

#include <algorithm>
#include <string>

#include "seal/key_lines.h"

namespace salus::seal {

namespace {

constexpr std::string_view kAgeSecrets[] = {"age-secret-key-1", "age-secret-key-pq-1"};

// Where prefix, which is in lower case, stands in text in whatever case; npos when it does not.
std::size_t FindInAnyCase(std::string_view text, std::string_view prefix) {
  const auto* const found = std::search(
      text.begin(), text.end(), prefix.begin(), prefix.end(),
      [](char c, char wanted) { return (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) == wanted; });
  return found == text.end() ? std::string_view::npos
                             : static_cast<std::size_t>(found - text.begin());
}

bool HoldsAgeSecret(std::string_view text) {
  return std::any_of(std::begin(kAgeSecrets), std::end(kAgeSecrets), [&](std::string_view prefix) {
    const std::size_t at = FindInAnyCase(text, prefix);
    return at != std::string_view::npos &&
           text.substr(at).find_first_of("./") == std::string_view::npos;
  });
}

}  // namespace

bool IsSecretText(std::string_view text) {
  const bool is_json = Trimmed(text).starts_with('{');
  const bool is_secret_jwk = is_json && (text.find("\"d\"") != std::string_view::npos ||
                                         text.find("\"k\"") != std::string_view::npos);
  return is_secret_jwk || text.find("PRIVATE KEY-----") != std::string_view::npos ||
         HoldsAgeSecret(text);
}

Result<void> RefuseSecretText(std::string_view given) {
  if (!IsSecretText(given)) return {};
  return InvalidArgument(
      "a secret key was given in place of a file's name or a public key: it may be in the shell's "
      "history now, where others find it; make a new key (salus keygen), and give its file");
}

}  // namespace salus::seal
