#include "proxy/certificate_renewal.h"

#include <signal.h>

#include <utility>

namespace salus::proxy {

CertificateRenewal::CertificateRenewal(CertificateSource& source, Install install, Say say)
    : source_(source), install_(std::move(install)), say_(std::move(say)) {
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

void CertificateRenewal::Take(const RenewalStep& step) {
  if (!step.said.empty()) say_(step.said, step.is_trouble);
  if (!step.has_changed) return;
  Result<http::ServerIdentity> identity = source_.Load();
  Result<void> done = identity ? install_(*std::move(identity)) : Result<void>(identity.error());
  if (done) {
    say_("the certificate was replaced; open connections go on", false);
  } else {
    say_("the certificate was not replaced, the old one stays: " + done.error().message, true);
  }
}

void CertificateRenewal::Run(const std::stop_token& stop) {
  RenewalCause cause = RenewalCause::kTime;
  while (!stop.stop_requested()) {
    const RenewalStep step = source_.Renew(cause, stop);
    if (stop.stop_requested()) return;
    Take(step);
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, stop, step.wait, [this] { return is_woken_; });
    cause = std::exchange(is_woken_, false) ? RenewalCause::kOperator : RenewalCause::kTime;
  }
}

}  // namespace salus::proxy
