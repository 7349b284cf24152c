// Names and contents of the files that answer an ACME authority: a token that is taken is a plain
// name in its folder, an answer begins with its token, a digest has one text.
#include <filesystem>

#include "base/check.h"
#include "codec/base64.h"
#include "proxy/challenge_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using salus::proxy::ChallengeStore;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view token = text.substr(0, line);
  const std::string_view content = text.substr(std::min(line + 1, text.size()));
  if (ChallengeStore::IsToken(token)) {
    const std::filesystem::path folder = "/state/http-01";
    const std::filesystem::path file = (folder / token).lexically_normal();
    CHECK(file.parent_path() == folder && file.filename().string() == token);
    CHECK(token != "." && token != "..");
    if (ChallengeStore::IsAnswer(content, token)) {
      CHECK(content.starts_with(token) && content.size() == token.size() + 44);
      CHECK(content.find_first_of("\r\n<>") == std::string_view::npos);
    }
  }
  if (const auto digest = ChallengeStore::ParseDigest(content)) {
    CHECK(salus::codec::Base64UrlEncode(*digest) == content);
  }
  return 0;
}
