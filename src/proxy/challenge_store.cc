#include "proxy/challenge_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "codec/base64.h"
#include "pki/descriptor.h"
#include "pki/extensions.h"

namespace salus::proxy {
namespace {

constexpr std::size_t kMaxTokenBytes = 128;
constexpr std::size_t kMaxAnswerBytes = 512;
constexpr std::size_t kDigestChars = 43;
constexpr std::size_t kMaxNames = 100;  // as many as one certificate can have at most authorities
constexpr std::chrono::days kChallengeValidity{1};

bool IsBase64Url(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

// The whole of a small file; nullopt when it is missing, no regular file, or too large.
std::optional<std::string> ReadSmallFile(const std::filesystem::path& path) {
  const pki::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.is_open()) return std::nullopt;
  std::string out(kMaxAnswerBytes + 1, '\0');
  const ssize_t size = ::read(file.get(), out.data(), out.size());
  if (size < 0 || static_cast<std::size_t>(size) > kMaxAnswerBytes) return std::nullopt;
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace

ChallengeStore::ChallengeStore(std::filesystem::path directory, const Clock& clock,
                               RandomSource& random)
    : directory_(std::move(directory)), clock_(clock), random_(random) {}

Result<void> ChallengeStore::Open() {
  for (const char* folder : {"http-01", "tls-alpn-01"}) {
    std::error_code failure;
    std::filesystem::remove_all(directory_ / folder, failure);
    if (!failure) std::filesystem::create_directories(directory_ / folder, failure);
    if (failure) {
      return Unavailable("can't make the folder for challenges in the state directory: " +
                         failure.message());
    }
  }
  {
    std::lock_guard lock(mutex_);
    made_.clear();
  }
  is_open_ = true;
  return {};
}

void ChallengeStore::Close() { is_open_ = false; }

bool ChallengeStore::IsToken(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTokenBytes && IsBase64Url(text);
}

bool ChallengeStore::IsAnswer(std::string_view text, std::string_view token) {
  return text.size() == token.size() + 1 + kDigestChars && text.starts_with(token) &&
         text[token.size()] == '.' && IsBase64Url(text.substr(token.size() + 1));
}

std::optional<crypto::Hash32> ChallengeStore::ParseDigest(std::string_view text) {
  const Result<Bytes> bytes = codec::Base64UrlDecode(text);
  crypto::Hash32 out;
  if (!bytes || bytes->size() != out.size()) return std::nullopt;
  std::ranges::copy(*bytes, out.begin());
  return out;
}

std::optional<std::string> ChallengeStore::HttpAnswer(std::string_view token) const {
  if (!is_open_ || !IsToken(token)) return std::nullopt;
  std::optional<std::string> answer = ReadSmallFile(directory_ / "http-01" / token);
  if (!answer || !IsAnswer(*answer, token)) return std::nullopt;
  return answer;
}

std::shared_ptr<const pki::SelfSignedCertificate> ChallengeStore::AlpnCertificate(
    std::string_view name) const {
  // A DNS name has no slash, and its labels are not empty: a safe file name.
  if (!is_open_ || !pki::ValidateDnsName(name)) return nullptr;
  const auto text = ReadSmallFile(directory_ / "tls-alpn-01" / name);
  const auto digest = text ? ParseDigest(*text) : std::nullopt;
  if (!digest) return nullptr;
  std::lock_guard lock(mutex_);
  const auto found = made_.find(name);
  if (found != made_.end() && found->second.digest == *digest) return found->second.certificate;
  if (made_.size() >= kMaxNames) made_.clear();
  const Timestamp now = clock_.Now();
  auto made = pki::SelfSignedCertificate::Make(
      std::string(name), {now - kChallengeValidity, now + kChallengeValidity}, random_, digest);
  if (!made) return nullptr;
  auto certificate = std::make_shared<const pki::SelfSignedCertificate>(*std::move(made));
  made_[std::string(name)] = {*digest, certificate};
  return certificate;
}

}  // namespace salus::proxy
