#include "proxy/certificate_renewal.h"

#include <signal.h>

#include <algorithm>
#include <utility>

namespace salus::proxy {

CertificateRenewal::CertificateRenewal(CertificateSource& source, Install install, Say say,
                                       std::filesystem::path authorities,
                                       std::chrono::milliseconds look)
    : source_(source),
      install_(std::move(install)),
      say_(std::move(say)),
      authorities_(std::move(authorities)),
      look_(look),
      seen_authorities_(StampOf(authorities_)) {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    // Signals are for the threads that wait for them.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    Run(stop);
  });
}

CertificateRenewal::~CertificateRenewal() { Stop(); }

void CertificateRenewal::Wake() {
  {
    std::lock_guard lock(mutex_);
    is_woken_ = true;
  }
  woken_.notify_all();
}

void CertificateRenewal::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void CertificateRenewal::Take(const RenewalStep& step, RenewalCause cause) {
  if (!step.said.empty()) say_(step.said, step.is_trouble);
  if (step.has_changed) return InstallNow("the certificate was replaced");
  if (cause == RenewalCause::kOperator) return InstallNow("the certificate was read again");
  if (HaveAuthoritiesChanged()) InstallNow("the clients' authorities were read again");
}

void CertificateRenewal::InstallNow(std::string_view done_text) {
  // Before reading: what is written meanwhile is then seen as a change.
  seen_authorities_ = StampOf(authorities_);
  Result<http::ServerIdentity> identity = source_.Load();
  Result<void> done = identity ? install_(*std::move(identity)) : Result<void>(identity.error());
  if (done) {
    say_(std::string(done_text) + "; open connections go on", false);
  } else {
    say_("the certificate was not replaced, the old one stays: " + done.error().message, true);
  }
}

bool CertificateRenewal::HaveAuthoritiesChanged() const {
  return StampOf(authorities_) != seen_authorities_;
}

RenewalCause CertificateRenewal::WaitForNext(const std::stop_token& stop,
                                             std::chrono::seconds wait) {
  using std::chrono::steady_clock;
  const auto until = steady_clock::now() + wait;
  std::unique_lock lock(mutex_);
  while (true) {
    const auto next = authorities_.empty() ? until : std::min(until, steady_clock::now() + look_);
    const bool is_woken = woken_.wait_until(lock, stop, next, [this] { return is_woken_; });
    if (is_woken) break;
    if (stop.stop_requested() || next == until || HaveAuthoritiesChanged()) break;
  }
  return std::exchange(is_woken_, false) ? RenewalCause::kOperator : RenewalCause::kTime;
}

void CertificateRenewal::Run(const std::stop_token& stop) {
  RenewalCause cause = RenewalCause::kTime;
  while (!stop.stop_requested()) {
    const RenewalStep step = source_.Renew(cause, stop);
    if (stop.stop_requested()) return;
    Take(step, cause);
    cause = WaitForNext(stop, step.wait);
  }
}

}  // namespace salus::proxy
