#include "proxy/acme_certificates.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "codec/hex.h"
#include "codec/rfc3339.h"
#include "crypto/sha256.h"
#include "pki/certificate.h"
#include "pki/descriptor.h"
#include "pki/directory_files.h"
#include "pki/extensions.h"
#include "proxy/child_process.h"
#include "proxy/retry_after.h"

namespace salus::proxy {
namespace {

using std::chrono::seconds;

constexpr char kClient[] = "uacme";
constexpr seconds kClientTimeout{300};
constexpr seconds kFirstPause{300};
constexpr seconds kFirstToldPause{5};
constexpr seconds kLongestPause{12 * 3600};
constexpr seconds kLongestLook{12 * 3600};
constexpr seconds kLockedPause{60};
constexpr std::chrono::days kSelfSignedValidity{30};

// The hook of the ACME client: it only moves text between the client and the challenge store, and
// refuses names that could leave the folders. @CHALLENGE@ is the one kind that it accepts.
constexpr std::string_view kHook = R"(#!/bin/sh
# Written by salus proxy at each start: METHOD TYPE NAME TOKEN AUTHORIZATION
umask 077
[ "$2" = "@CHALLENGE@" ] || exit 1
case "$2" in
  http-01) name=$4; case "$name" in "" | *[!A-Za-z0-9_-]*) exit 1 ;; esac ;;
  *) name=$3; case "$name" in "" | .* | *[!a-z0-9.-]*) exit 1 ;; esac ;;
esac
file=$(dirname "$0")/$2/$name
case "$1" in
  begin) printf %s "$5" > "$file" ;;
  done | failed) rm -f "$file" ;;
  *) exit 1 ;;
esac
)";

bool IsPlain(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [more](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

Result<void> CheckOptions(const AcmeOptions& options) {
  if (!options.directory_url.starts_with("https://") ||
      !IsPlain(options.directory_url, "-._~:/?#[]@!$&()*+,;=%")) {
    return InvalidArgument("--acme: the authority's directory is an address with https://");
  }
  // The client writes it into JSON as it stands.
  if (!options.email.empty() &&
      (!IsPlain(options.email, ".-_+%@") || options.email.find('@') == std::string::npos ||
       options.email.starts_with('-'))) {
    return InvalidArgument("--email: not an address of the plain form name@example.org");
  }
  if (options.domains.empty()) {
    return InvalidArgument("--domain is required: it is the name that is certified");
  }
  for (const std::string& domain : options.domains) {
    TRY_VOID(pki::ValidateDnsName(domain));
    if (domain.find('.') == std::string::npos) {
      return InvalidArgument(
          "--domain: an ACME authority certifies public names, with a full stop");
    }
  }
  return {};
}

// A folder of its own for each authority: accounts and certificates of one mean nothing to another.
std::string FolderOf(const std::string& url) {
  std::string host = url.substr(8, url.find('/', 8) - 8);
  std::ranges::replace_if(host, [](char c) { return !IsPlain({&c, 1}, ".-"); }, '_');
  const crypto::Hash32 hash = crypto::Sha256(AsBytes(url));
  return host + "-" + codec::HexEncode(ByteSpan(hash).first(4));
}

// The client runs the hook from there.
Result<void> CheckPrograms(const std::filesystem::path& state) {
  struct statvfs place{};
  if (::statvfs(state.c_str(), &place) == 0 && (place.f_flag & ST_NOEXEC) != 0) {
    return FailedPrecondition(state.string() +
                              ": no program may run from there (mounted noexec), but uacme runs "
                              "the hook from it: give another --state");
  }
  return {};
}

std::string At(Timestamp time) { return codec::FormatRfc3339(time).substr(0, 19) + "Z"; }

}  // namespace

Result<void> MakeStateFolder(const std::filesystem::path& state) {
  std::error_code failure;
  if (std::filesystem::create_directories(state, failure)) ::chmod(state.c_str(), 0700);
  if (failure) return Unavailable(state.string() + ": can't be made: " + failure.message());
  struct stat found{};
  if (::stat(state.c_str(), &found) != 0) return Unavailable(state.string() + ": can't be read");
  if ((found.st_mode & 022) != 0 || found.st_uid != ::geteuid()) {
    return FailedPrecondition(state.string() +
                              ": others may write to it; it holds keys: chmod 700, and own it");
  }
  return {};
}

Result<AcmeChallenge> ParseAcmeChallenge(std::string_view text) {
  if (text == "http-01") return AcmeChallenge::kHttp01;
  if (text == "tls-alpn-01") return AcmeChallenge::kTlsAlpn01;
  return InvalidArgument("--challenge: http-01 or tls-alpn-01");
}

Result<std::unique_ptr<AcmeCertificates>> AcmeCertificates::Open(AcmeOptions options,
                                                                 const Clock& clock,
                                                                 RandomSource& random) {
  TRY_VOID(CheckOptions(options));
  const auto version = RunProgram({kClient, "--version"}, seconds(10), {});
  if (!version && version.error().code == ErrorCode::kNotFound) {
    return NotFound(
        "uacme, which speaks with the ACME authority, is not installed: apt install "
        "uacme (or give --certificate and --key)");
  }
  TRY_VOID(MakeStateFolder(options.state));
  TRY_VOID(CheckPrograms(options.state));
  options.state = std::filesystem::absolute(options.state);
  std::filesystem::path authority = options.state / FolderOf(options.directory_url);
  TRY_VOID(MakeStateFolder(authority));
  return std::unique_ptr<AcmeCertificates>(
      new AcmeCertificates(std::move(options), std::move(authority), clock, random));
}

AcmeCertificates::AcmeCertificates(AcmeOptions options, std::filesystem::path authority,
                                   const Clock& clock, RandomSource& random)
    : options_(std::move(options)),
      authority_(std::move(authority)),
      clock_(clock),
      random_(random),
      challenges_(options_.state, clock, random) {}

std::optional<AcmeCertificates::Held> AcmeCertificates::ReadHeld() const {
  const Result<std::string> pem =
      pki::ReadPublicFile(authority_ / options_.domains.front() / "cert.pem");
  if (!pem) return std::nullopt;
  const auto chain = pki::Certificate::FromPemBundle(*pem);
  if (!chain) return std::nullopt;
  std::error_code ignored;
  if (!std::filesystem::exists(authority_ / "private" / options_.domains.front() / "key.pem",
                               ignored)) {
    return std::nullopt;
  }
  const pki::Certificate& leaf = chain->front();
  const auto has = [&leaf](const std::string& name) {
    return std::ranges::find(leaf.dns_names(), name) != leaf.dns_names().end();
  };
  return Held{leaf.not_before(), leaf.not_after(), std::ranges::all_of(options_.domains, has)};
}

Timestamp AcmeCertificates::DueTime() const {
  const std::optional<Held> held = ReadHeld();
  if (!held || !held->has_all_names) return {};
  return held->not_after - (held->not_after - held->not_before) / 3;
}

Result<http::ServerIdentity> AcmeCertificates::Load() {
  const std::string& name = options_.domains.front();
  if (ReadHeld()) {
    return ReadServerIdentity(authority_ / name / "cert.pem",
                              authority_ / "private" / name / "key.pem");
  }
  const Timestamp now = clock_.Now();
  TRY(pki::SelfSignedCertificate made,
      pki::SelfSignedCertificate::Make(name, {now - kSelfSignedValidity, now + kSelfSignedValidity},
                                       random_));
  return http::ServerIdentity{std::move(made.certificate_pem), std::move(made.private_key_pem)};
}

std::optional<Timestamp> AcmeCertificates::ReadNotBefore() const {
  const Result<std::string> text = pki::ReadPublicFile(authority_ / "not-before");
  if (!text) return std::nullopt;
  const Result<Timestamp> time = codec::ParseRfc3339(*text);
  // Never longer than we would have believed: a clock that was wrong when it was written.
  if (!time || *time > clock_.Now() + kLongestWait) return std::nullopt;
  return *time;
}

Result<void> AcmeCertificates::WriteHook() const {
  std::string text(kHook);
  const std::string_view place = "@CHALLENGE@";
  text.replace(text.find(place), place.size(),
               options_.challenge == AcmeChallenge::kHttp01 ? "http-01" : "tls-alpn-01");
  const std::filesystem::path path = options_.state / "hook.sh";
  TRY_VOID(pki::ReplacePublicFile(path, text));
  if (::chmod(path.c_str(), 0700) != 0) return Unavailable("hook.sh can't be made executable");
  return {};
}

AcmeReport AcmeCertificates::RunClient(const std::vector<std::string>& words,
                                       const std::stop_token& stop) const {
  // Three times --verbose prints the headers, with Retry-After; no level prints a key.
  std::vector<std::string> arguments = {
      kClient, "-v", "-v", "-v", "-a", options_.directory_url, "-c", authority_.string()};
  arguments.insert(arguments.end(), words.begin(), words.end());
  const auto outcome = RunProgram(std::move(arguments), kClientTimeout, stop);
  if (!outcome) return {"uacme " + outcome.error().message, {}, false};
  if (outcome->exit_status == 0) return {};
  AcmeReport report = AcmeReport::Parse(outcome->output, clock_.Now());
  if (report.reason.empty()) report.reason = "uacme failed without a word";
  return report;
}

AcmeReport AcmeCertificates::Order(const std::stop_token& stop) {
  const auto wrong = [](const Error& error) { return AcmeReport{error.message, {}, false}; };
  if (const auto written = WriteHook(); !written) return wrong(written.error());
  const std::filesystem::path registered = authority_ / "registered";
  std::error_code ignored;
  if (!std::filesystem::exists(registered, ignored)) {
    std::vector<std::string> words = {"-y", "-t", "EC", "new"};
    if (!options_.email.empty()) words.push_back(options_.email);
    AcmeReport report = RunClient(words, stop);
    if (!report.reason.empty()) return report;
    const auto noted = pki::ReplacePublicFile(registered, options_.directory_url + "\n");
    if (!noted) return wrong(noted.error());
  }
  if (const auto opened = challenges_.Open(); !opened) return wrong(opened.error());
  std::vector<std::string> words = {
      "-t", "EC", "-o", "-f", "-h", (options_.state / "hook.sh").string(), "issue"};
  words.insert(words.end(), options_.domains.begin(), options_.domains.end());
  AcmeReport report = RunClient(words, stop);
  challenges_.Close();
  // Lost at the authority: the next try registers the same key anew.
  if (report.is_unknown_account) std::filesystem::remove(registered, ignored);
  return report;
}

RenewalStep AcmeCertificates::Failed(const AcmeReport& report) {
  ++failures_;
  // An authority that says when is believed, but for one that says "now" again and again.
  const seconds first = report.retry_after ? kFirstToldPause : kFirstPause;
  const seconds pause =
      std::min(kLongestPause, first * (std::int64_t{1} << std::min(failures_ - 1, 12)));
  const Timestamp now = clock_.Now();
  Timestamp next = now + pause;
  if (report.retry_after) {
    const Timestamp allowed = now + *report.retry_after;
    // Kept in a file, so that a restart does not ask sooner. When it can't be kept, we still wait.
    (void)pki::ReplacePublicFile(authority_ / "not-before", codec::FormatRfc3339(allowed));
    next = std::max(next, allowed);
  }
  own_pause_until_ = next;
  const std::optional<Held> held = ReadHeld();
  RenewalStep step{.is_trouble = true};
  step.said = "no new certificate for " + options_.domains.front() + ": " + report.reason + "; ";
  step.said += !held ? std::string("visitors see a self-signed one meanwhile")
                     : "the old one stays, valid until " + At(held->not_after);
  step.said += report.retry_after ? "; the authority asks to wait: next try at " + At(next)
                                  : "; next try at " + At(next) + ", or on SIGHUP";
  step.wait = std::chrono::ceil<seconds>(next - now);
  return step;
}

RenewalStep AcmeCertificates::Renew(RenewalCause cause, const std::stop_token& stop) {
  const Timestamp now = clock_.Now();
  const auto until = [now](Timestamp time) {
    return std::clamp(std::chrono::ceil<seconds>(time - now), seconds(1), kLongestLook);
  };
  const Timestamp due = DueTime();
  if (now < due) return {.wait = until(due)};
  if (const auto not_before = ReadNotBefore(); not_before && now < *not_before) {
    RenewalStep step{.wait = until(*not_before)};
    if (failures_ == 0 || cause == RenewalCause::kOperator) {
      failures_ = std::max(failures_, 1);
      step.is_trouble = true;
      step.said = "the authority asked not to be asked before " + At(*not_before) +
                  ": no certificate is ordered until then";
    }
    return step;
  }
  if (cause == RenewalCause::kTime && now < own_pause_until_) {
    return {.wait = until(own_pause_until_)};
  }
  const pki::Descriptor lock(
      ::open((options_.state / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.is_open() || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return {.said = options_.state.string() +
                    ": another process orders a certificate with it; we look again in a minute",
            .is_trouble = true,
            .wait = kLockedPause};
  }
  const AcmeReport report = Order(stop);
  if (!report.reason.empty()) return Failed(report);
  if (clock_.Now() < DueTime()) {
    failures_ = 0;
    own_pause_until_ = {};
    const Timestamp next = DueTime();
    return {.has_changed = true,
            .said = "a certificate for " + options_.domains.front() +
                    " was issued; it is renewed at " + At(next),
            .wait = until(next)};
  }
  return Failed(
      {"the authority's certificate does not name every --domain, or can't be read", {}, false});
}

}  // namespace salus::proxy
