#include "api/ingest.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "api/ingest_answer.h"
#include "api/line_chunker.h"
#include "api/service.h"
#include "api/waiting.h"

namespace salus::api {

namespace {

constexpr std::size_t kMaxUnderWay = 2;  // chunks of one request
// More than this keeps a loop from its other connections for too long.
constexpr std::size_t kMaxLoopBytes = 4 * 1024;

struct EventsQuery {
  bool is_atomic = false;
  BodyForm form = BodyForm::kLines;
  IngestAnswer::Options answer;
};

BodyForm FormOf(const http::Request& request) {
  const std::string_view type = request.Find("Content-Type").value_or(kNdjson);
  return http::EqualIgnoreCase(type.substr(0, sizeof kFhirNdjson - 1), kFhirNdjson)
             ? BodyForm::kFhirLines
             : BodyForm::kLines;
}

Result<EventsQuery> ReadEventsQuery(const http::Query& query, const http::Request& request) {
  EventsQuery read;
  read.form = FormOf(request);
  TRY(read.is_atomic, ReadFlag(query, "atomic", false));
  TRY(read.answer.with_keys, ReadFlag(query, "keys", true));
  TRY(read.answer.with_entries, ReadFlag(query, "entries", true));
  return read;
}

http::Headers AnswerHeaders() { return {{"Content-Type", kNdjson}, {"Cache-Control", "no-store"}}; }

// WorstOf is what an atomic or single-line request answers; nullopt when every line was taken.
std::optional<ErrorCode> WorstOf(const audit::RecordedBatch& batch) {
  std::optional<ErrorCode> worst;
  for (const audit::RecordedLine& line : batch.lines) {
    if (line.outcome) continue;
    if (line.outcome.error().code == ErrorCode::kConflict) return ErrorCode::kConflict;
    // FailedPrecondition stands at the good lines beside the bad one.
    if (!worst || *worst == ErrorCode::kFailedPrecondition) worst = line.outcome.error().code;
  }
  return worst;
}

// AnswerBatch is the answer to a request of one chunk.
http::Response AnswerBatch(const EventsQuery& options, Result<audit::RecordedBatch> batch) {
  if (!batch) return ErrorResponse(batch.error(), ErrorShape::kProblem);
  if (batch->lines.empty()) {
    return ErrorResponse(InvalidArgument("the body holds no event: send one JSON object a line"),
                         ErrorShape::kProblem);
  }
  int status = 200;
  if (options.is_atomic || batch->lines.size() == 1) {
    if (const auto worst = WorstOf(*batch)) status = StatusOf(*worst);
  }
  IngestAnswer answer(options.answer);
  SecretText text(0);
  answer.AddBatch(*batch, 1, text);
  answer.AddEnd(nullptr, text);
  // http wipes what it has sent; the text moves there without a copy.
  return {status, AnswerHeaders(), std::move(text.text())};
}

audit::RecordOptions OptionsOf(const EventsQuery& query) {
  return {.is_atomic = query.is_atomic, .may_use_reserve = false};
}

// Records lines of either form. text must stay until done is called.
void Record(Service& service, const audit::SourceRow& source, std::string_view text,
            const EventsQuery& query, audit::Recorder::Done done) {
  if (query.form == BodyForm::kLines) {
    return service.node().recorder().RecordLines(source, text, OptionsOf(query), std::move(done));
  }
  RecordFhir(service, source, text, query.form, OptionsOf(query), std::move(done));
}

// BodyStream is a body that comes while it is being answered.
class BodyStream {
 public:
  BodyStream(Attempt& attempt, audit::SourceRow source, const EventsQuery& query)
      : attempt_(attempt), source_(std::move(source)), query_(query), answer_(query.answer) {}
  ~BodyStream() { WaitForAll(); }

  void Run() {
    while (!is_over_) {
      Result<ByteSpan> piece = attempt_.exchange->ReadBody();
      if (!piece) return EndEarly(piece.error());
      if (piece->empty()) break;
      chunker_.Feed(*piece);
      while (!is_over_ && chunker_.is_ready()) Send(chunker_.Take());
    }
    while (!is_over_ && !chunker_.is_empty()) Send(chunker_.Take());
    while (!is_over_ && !under_way_.empty()) AnswerFirst();
    if (!is_over_) End(nullptr);
  }

 private:
  struct Chunk {
    LineChunker::Chunk lines;
    std::optional<Result<audit::RecordedBatch>> batch;  // by mutex_ of the shared state
  };
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
  };

  void Send(LineChunker::Chunk lines) {
    auto chunk = std::make_shared<Chunk>();
    chunk->lines = std::move(lines);
    under_way_.push_back(chunk);
    Service& service = attempt_.service;
    service.chunk_slots().acquire();
    Record(service, source_, chunk->lines.text, query_,
           [chunk, shared = shared_, &service](Result<audit::RecordedBatch> batch) {
             service.chunk_slots().release();
             std::lock_guard lock(shared->mutex);
             chunk->lines.text = {};
             chunk->batch = std::move(batch);
             shared->changed.notify_all();
           });
    while (!is_over_ && !under_way_.empty() &&
           (under_way_.size() >= kMaxUnderWay || IsDone(*under_way_.front()))) {
      AnswerFirst();
    }
  }

  bool IsDone(const Chunk& chunk) {
    std::lock_guard lock(shared_->mutex);
    return chunk.batch.has_value();
  }

  void Wait(const Chunk& chunk) {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(lock, [&] { return chunk.batch.has_value(); });
  }

  void WaitForAll() {
    for (const auto& chunk : under_way_) Wait(*chunk);
    under_way_.clear();
  }

  void AnswerFirst() {
    const std::shared_ptr<Chunk> chunk = std::move(under_way_.front());
    under_way_.pop_front();
    Wait(*chunk);
    const Result<audit::RecordedBatch>& batch = *chunk->batch;
    if (!batch && !has_begun_) {
      is_over_ = true;
      WaitForAll();
      return attempt_.Refuse(batch.error());
    }
    SecretText text(0);
    if (batch) {
      answer_.AddBatch(*batch, chunk->lines.first_line, text);
      Write(text);
    } else {
      answer_.AddFailure(batch.error(), chunk->lines.first_line, chunk->lines.lines, text);
      Write(text);
      if (!is_over_) End(&batch.error());
    }
  }

  void Write(const SecretText& text) {
    if (text.size() == 0) return;
    if (!has_begun_) attempt_.Begin(200, AnswerHeaders());
    has_begun_ = true;
    // The client went away: what is durable stays, and it asks again.
    if (!attempt_.exchange->Write(text.view())) is_over_ = true;
  }

  void EndEarly(const Error& error) {
    while (!is_over_ && !under_way_.empty()) AnswerFirst();
    if (is_over_) return;
    if (!has_begun_) {
      is_over_ = true;
      return attempt_.RefuseRead(error);
    }
    End(&error);
  }

  void End(const Error* error) {
    is_over_ = true;
    if (!has_begun_) {
      return attempt_.Refuse(
          InvalidArgument("the body holds no event: send one JSON object a line"));
    }
    SecretText text(512);
    answer_.AddEnd(error, text);
    if (attempt_.exchange->Write(text.view())) attempt_.exchange->Finish();
  }

  Attempt& attempt_;
  const audit::SourceRow source_;
  const EventsQuery query_;
  IngestAnswer answer_;
  LineChunker chunker_;
  std::deque<std::shared_ptr<Chunk>> under_way_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  bool has_begun_ = false;
  bool is_over_ = false;
};

// RecordWhole records a body that is there; the answer is given when it is durable, by whichever
// thread made it so. body must live as long as the attempt.
void RecordWhole(std::shared_ptr<Attempt> attempt, const audit::SourceRow& source,
                 const EventsQuery& query, std::string_view body) {
  Service& service = attempt->service;
  Record(service, source, body, query,
         [attempt = std::move(attempt), query](Result<audit::RecordedBatch> batch) {
           attempt->Respond(AnswerBatch(query, std::move(batch)));
         });
}

void RecordAtomic(const std::shared_ptr<Attempt>& attempt, const audit::SourceRow& source,
                  const EventsQuery& query) {
  Result<Bytes> body = attempt->exchange->ReadWholeBody(kMaxAtomicBytes);
  if (!body) return attempt->RefuseRead(body.error());
  // This thread waits: long atomic bodies are few.
  attempt->Respond(AnswerBatch(query, Await([&](audit::Recorder::Done done) {
                                 Record(attempt->service, source, AsText(*body), query,
                                        std::move(done));
                               })));
}

}  // namespace

Result<bool> ReadFlag(const http::Query& query, std::string_view name, bool otherwise) {
  const std::string* value = query.Find(name);
  if (value == nullptr) return otherwise;
  if (*value == "true") return true;
  if (*value == "false") return false;
  return InvalidArgument(std::string(name) + ": must be true or false");
}

void StreamEvents(std::shared_ptr<Attempt> attempt) {
  const Result<audit::SourceRow> source = attempt->service.SourceOf(attempt->caller);
  if (!source) return attempt->Refuse(source.error());
  const Result<EventsQuery> query = ReadEventsQuery(attempt->query, attempt->exchange->request());
  if (!query) return attempt->Refuse(query.error());
  if (attempt->exchange->body_is_whole()) {
    const std::string_view body = AsText(attempt->exchange->body());
    return RecordWhole(std::move(attempt), *source, *query, body);
  }
  if (query->is_atomic) return RecordAtomic(attempt, *source, *query);
  BodyStream(*attempt, *source, *query).Run();
}

bool EventsNeverBlock(Service& service, const http::Request& request, ByteSpan body) {
  return body.size() <= kMaxLoopBytes && FormOf(request) == BodyForm::kLines &&
         service.node().recorder().IsAtHand(AsText(body));
}

Result<http::Response> AnswerEvents(const Call& call) {
  TRY(const audit::SourceRow source, call.service.SourceOf(call.caller));
  TRY(const EventsQuery query, ReadEventsQuery(call.query, call.request));
  return AnswerBatch(query, Await([&](audit::Recorder::Done done) {
                       Record(call.service, source, AsText(call.body), query, std::move(done));
                     }));
}

}  // namespace salus::api
