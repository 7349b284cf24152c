#include "client/sender.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "client/send_journal.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace salus::client {
namespace {

constexpr char kNdjson[] = "application/x-ndjson";
constexpr char kFhirNdjson[] = "application/fhir+ndjson";
constexpr std::size_t kAnswerLimitBytes = 256u << 20;
constexpr std::size_t kMaxAtomicBytes = 4u << 20;

bool IsBlank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

// All of an atomic request is waited for.
BatchLimits LimitsOf(const SendOptions& options) {
  if (options.is_atomic) return {.bytes = kMaxAtomicBytes + 1};
  return {.lines = std::max<std::size_t>(options.lines_per_request, 1),
          .bytes = std::max<std::size_t>(options.bytes_per_request, 1)};
}

// Errors that another try may get past; the server is idempotent.
bool IsWorthARetry(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kInternal ||
         code == ErrorCode::kResourceExhausted;
}

Result<Bytes> FetchEntry(Transport& transport, merkle::LeafIndex index) {
  Call call;
  call.path = "/audit/v1/entries/" + std::to_string(index.value);
  TRY(const CallAnswer answer, transport.Send(call));
  if (answer.status != 200) return ErrorOfAnswer(transport.where(), answer);
  TRY(const codec::Json json, codec::ParseJson(answer.body));
  TRY(const codec::JsonObject* object, codec::AsObject(json, "entry"));
  TRY(const std::string_view entry, codec::StringAt(*object, "entry"));
  return codec::Base64UrlDecode(entry);
}

// "line 3: ..." of a batch becomes the line of the input.
Error AtInputLine(Error error, std::uint64_t first_line) {
  constexpr std::string_view kLine = "line ";
  if (!error.message.starts_with(kLine)) {
    return std::move(error).WithContext("lines from " + std::to_string(first_line));
  }
  std::size_t end = kLine.size();
  std::uint64_t line = 0;
  while (end < error.message.size() && error.message[end] >= '0' && error.message[end] <= '9') {
    line = line * 10 + static_cast<std::uint64_t>(error.message[end] - '0');
    ++end;
  }
  error.message = "line " + std::to_string(first_line + line - 1) + error.message.substr(end);
  return error;
}

}  // namespace

// Run is one Send: the calling thread reads and reports, the others talk to the server.
class Sender::Run {
 public:
  Run(Sender& sender, const EventInput& input, const SendOptions& options, SendReport& report)
      : sender_(sender),
        options_(options),
        report_(report),
        reader_(options.is_atomic ? EventInput{input.read} : input, LimitsOf(options)) {}

  ~Run() {
    stop_.request_stop();
    changed_.notify_all();
  }

  Result<void> Go() {
    if (!options_.journal.empty()) {
      TRY(journal_, SendJournal::Open(options_.journal,
                                      {sender_.log_.log_vkey, sender_.source_, options_.receipts}));
      is_resumed_ = journal_->is_resumed();
    }
    while (true) {
      const std::uint64_t waiting = next_batch_ - next_delivery_;
      if (!is_at_end_ && waiting < Window() && (waiting == 0 || reader_.IsReady())) {
        TRY_VOID(ReadOne());
      } else if (waiting > 0) {
        TRY_VOID(DeliverOne());
      } else {
        return {};
      }
    }
  }

 private:
  struct Work {
    std::uint64_t number;
    LineBatch batch;
  };
  struct Finished {
    LineBatch batch;
    // Of one that an earlier run has sent: the lines that were refused then.
    std::optional<std::vector<std::uint64_t>> earlier;
    Result<CheckedAnswer> answer = CheckedAnswer{};
  };

  std::uint64_t Window() const { return 2 * std::max(options_.connections, 1u); }

  Result<void> ReadOne() {
    TRY(std::optional<LineBatch> batch, reader_.Next());
    if (!batch) {
      is_at_end_ = true;
      return {};
    }
    if (options_.is_atomic && (batch->text.size() > kMaxAtomicBytes || batch->first_line > 1)) {
      return InvalidArgument("an atomic request holds 4 MiB at most: send it without, or in parts");
    }
    if (IsBlank(batch->text)) return {};
    const std::uint64_t number = next_batch_++;
    std::optional<std::vector<std::uint64_t>> earlier;
    if (journal_) earlier = journal_->Find(batch->first_line, batch->text);
    const std::lock_guard lock(mutex_);
    if (earlier) {
      finished_.emplace(number, Finished{*std::move(batch), std::move(earlier), CheckedAnswer{}});
      return {};
    }
    queue_.push_back({number, *std::move(batch)});
    const bool has_idle = idle_ >= queue_.size();
    if (!has_idle && threads_.size() < std::max(options_.connections, 1u)) {
      threads_.emplace_back([this] { Serve(); });
    }
    changed_.notify_all();
    return {};
  }

  Result<void> DeliverOne() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return finished_.contains(next_delivery_); });
    const auto node = finished_.extract(next_delivery_);
    lock.unlock();
    ++next_delivery_;
    Finished& finished = node.mapped();
    const LineBatch& batch = finished.batch;
    if (finished.earlier) return TellEarlier(batch, *finished.earlier);
    report_.retries = retries_;
    TRY(const CheckedAnswer answer, std::move(finished.answer));
    TRY_VOID(TellLines(batch, answer));
    for (const KeptReceipt& receipt : answer.receipts) {
      ++report_.receipts;
      if (options_.receipted) TRY_VOID(options_.receipted(receipt));
    }
    if (journal_ && options_.flush) TRY_VOID(options_.flush());
    // Last: what stands in the journal is never sent again.
    if (journal_) {
      std::vector<std::uint64_t> refused;
      for (const CheckedLine& line : answer.lines) {
        const bool is_refused = line.status == CheckedLine::Status::kRefused;
        if (is_refused) refused.push_back(batch.first_line + line.line - 1);
      }
      TRY_VOID(journal_->Add(batch.first_line, batch.lines, batch.text, refused));
    }
    return {};
  }

  Result<void> TellEarlier(const LineBatch& batch, std::span<const std::uint64_t> refused) {
    report_.skipped += batch.lines - std::min<std::uint64_t>(batch.lines, refused.size());
    report_.refused += refused.size();
    const Error reason = InvalidArgument("was refused in an earlier run, which said why");
    for (const std::uint64_t line : refused) {
      if (!options_.answered) break;
      SentLine sent;
      sent.line = line;
      sent.status = CheckedLine::Status::kRefused;
      sent.refusal = &reason;
      sent.was_earlier = true;
      TRY_VOID(options_.answered(sent));
    }
    return {};
  }

  Result<void> TellLines(const LineBatch& batch, const CheckedAnswer& answer) {
    std::string_view rest = batch.text;
    std::uint64_t at = 0;
    std::string_view text;
    for (const CheckedLine& line : answer.lines) {
      while (at < line.line) {
        const std::size_t end = rest.find('\n');
        text = rest.substr(0, end);
        rest.remove_prefix(std::min(end, rest.size() - 1) + 1);
        ++at;
      }
      switch (line.status) {
        case CheckedLine::Status::kLogged:
          ++report_.logged;
          break;
        case CheckedLine::Status::kRepeat:
          ++report_.repeats;
          break;
        case CheckedLine::Status::kRefused:
          ++report_.refused;
          break;
      }
      if (line.status == CheckedLine::Status::kRepeat && !line.was_opened) ++report_.unopened;
      if (!options_.answered) continue;
      TRY_VOID(options_.answered({batch.first_line + line.line - 1, line.status, line.event_id,
                                  line.index, line.leaf, line.refusal ? &*line.refusal : nullptr,
                                  text, false}));
    }
    return {};
  }

  // Serve is one connection's thread.
  void Serve() {
    AnswerCheck check(sender_.log_, sender_.source_, sender_.tags_, sender_.random_,
                      options_.format);
    std::unique_ptr<Transport> transport;
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      changed_.wait(lock, [&] { return stop_.stop_requested() || !queue_.empty(); });
      --idle_;
      if (stop_.stop_requested()) return;
      Work work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      Result<CheckedAnswer> answer = SendBatch(work.batch, check, transport);
      lock.lock();
      // Nothing more is sent behind a batch that failed for good; the earlier ones still end.
      if (!answer) stop_.request_stop();
      finished_.emplace(work.number, Finished{std::move(work.batch), {}, std::move(answer)});
      changed_.notify_all();
    }
  }

  Result<CheckedAnswer> SendBatch(const LineBatch& batch, AnswerCheck& check,
                                  std::unique_ptr<Transport>& transport) {
    std::chrono::milliseconds pause = options_.first_wait;
    for (unsigned attempt = 1;; ++attempt) {
      Result<CheckedAnswer> answer = TryOnce(batch, attempt > 1 || is_resumed_, check, transport);
      if (answer) return answer;
      Error error = std::move(answer).error();
      // The connection may be in any state; the next try makes a new one.
      transport.reset();
      if (!IsWorthARetry(error.code)) return AtInputLine(std::move(error), batch.first_line);
      if (attempt >= options_.attempts || stop_.stop_requested()) {
        error.message += "; tried " + std::to_string(attempt) +
                         " times. What was acknowledged is noted: run the same command again";
        return AtInputLine(std::move(error), batch.first_line);
      }
      ++retries_;
      Pause(pause);
      pause = std::min(pause * 2, options_.longest_wait);
    }
  }

  Result<CheckedAnswer> TryOnce(const LineBatch& batch, bool is_retry, AnswerCheck& check,
                                std::unique_ptr<Transport>& transport) {
    if (transport == nullptr) {
      TRY(transport, sender_.make_transport_());
    }
    Call call;
    call.method = http::Method::kPost;
    call.path = "/audit/v1/events";
    call.query = options_.is_atomic ? "atomic=true" : "entries=true";
    call.content_type = options_.format == InputFormat::kFhir ? kFhirNdjson : kNdjson;
    call.body = batch.text;
    call.answer_limit_bytes = kAnswerLimitBytes;
    TRY(const CallAnswer answer, transport->Send(call));
    // Whatever its status: a request of a single line, or an atomic one, says by it how it ended.
    if (!answer.content_type.starts_with(kNdjson)) {
      if (answer.status != 200) return ErrorOfAnswer(transport->where(), answer);
      return Unavailable("the server's answer is not what the API says: it is no NDJSON");
    }
    AnswerCheck::FetchEntry fetch;
    // After a broken connection, or run, its entries come back as repeats, never looked into.
    if (is_retry) fetch = [&](merkle::LeafIndex i) { return FetchEntry(*transport, i); };
    return check.Check(batch.text, answer.body, fetch);
  }

  void Pause(std::chrono::milliseconds time) {
    if (options_.wait) {
      options_.wait(time);
      return;
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop_.get_token(), time, [] { return false; });
  }

  // Constant.
  Sender& sender_;
  const SendOptions& options_;

  // The calling thread's.
  SendReport& report_;
  LineBatchReader reader_;
  std::optional<SendJournal> journal_;
  bool is_at_end_ = false;
  bool is_resumed_ = false;  // not changed once there are threads
  std::uint64_t next_batch_ = 0;
  std::uint64_t next_delivery_ = 0;

  // Self-synchronised.
  std::stop_source stop_;
  std::atomic<std::uint64_t> retries_{0};

  // By mutex_.
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Work> queue_;
  std::map<std::uint64_t, Finished> finished_;
  std::size_t idle_ = 0;

  std::vector<std::jthread> threads_;  // last: they use all of the above
};

Sender::Sender(audit::PinnedLog log, std::string source, MakeTransport make_transport,
               RandomSource& random)
    : log_(std::move(log)),
      source_(std::move(source)),
      make_transport_(std::move(make_transport)),
      random_(random) {}

Result<void> Sender::Send(const EventInput& input, const SendOptions& options, SendReport& report) {
  Run run(*this, input, options, report);
  return run.Go();
}

}  // namespace salus::client
