// The course's file at the command line: which input is taken for one, and what is said about it.
#pragma once

#include <optional>

#include "apps/salus/input_file.h"
#include "apps/salus/session.h"
#include "seal/buffered_source.h"
#include "seal/recipient.h"

namespace salus::cli {

// WantsCourse reads --format. Errors: usage for a format that there is not.
Result<bool> WantsCourse(Session& session);

// SealCourseFile writes it for one RSA recipient, and says what the modern form does better.
//
// Errors: InvalidArgument for other recipients; those of seal::SealCourse.
Result<void> SealCourseFile(Session& session, const seal::Recipients& recipients, InputFile& input,
                            seal::ByteSink& out);

// CourseIdentities are the identities to try when input, which peeked reads ahead of, is taken for
// a course file: --format says so, or it is no age file, long enough, and there is an RSA identity.
//
// Errors: InvalidArgument when --format says so and there is no RSA identity; those of reading.
Result<std::optional<seal::Identities>> CourseIdentities(Session& session, const InputFile& input,
                                                         seal::BufferedSource& peeked);

// OpenCourseFile tries each, and says that the old format was read.
//
// Errors: those of seal::OpenCourse.
Result<void> OpenCourseFile(Session& session, const seal::Identities& identities,
                            const InputFile& input, seal::BufferedSource& peeked,
                            seal::ByteSink& out);

}  // namespace salus::cli
