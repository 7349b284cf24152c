// The course's file: one RSA-OAEP block, then AES-EAX with its tag in front. Old, and read and
// written for those who have it; what it lacks beside age v1 stands in docs/formats/course-file.md.
#pragma once

#include "base/random.h"
#include "base/result.h"
#include "crypto/rsa.h"
#include "seal/repeatable_source.h"
#include "seal/stream.h"

namespace salus::seal {

// SealCourse seals for one RSA key, in two passes over plaintext, in constant memory.
//
// Source: the security lecture's exercise, step 3, as PyCryptodome does it: PKCS #1 OAEP (RFC 8017)
//         with SHA-1, MGF1-SHA-1 and no label; EAX (Bellare, Rogaway, Wagner 2004).
// Shape:  RSA-OAEP(AES key of 16 bytes), as long as the modulus || nonce of 16 bytes || tag of 16
//         bytes || ciphertext, as long as the plaintext.
// Errors: Unavailable when plaintext is not the same the second time; those of the two streams.
Result<void> SealCourse(const crypto::RsaPublicKey& recipient, RepeatableSource& plaintext,
                        ByteSink& out, RandomSource& random);

// OpenCourse is the inverse. The tag, which covers the whole file, is checked before a byte leaves.
//
// Source: as SealCourse, step 5 of the exercise.
// Shape:  as SealCourse; AES keys of 16, 24 and 32 bytes.
// Errors: VerificationFailed, whatever is wrong, and when sealed is not the same the second time:
//         what was written is not authentic then; those of the two streams.
Result<void> OpenCourse(const crypto::RsaPrivateKey& key, RepeatableSource& sealed, ByteSink& out);

// CourseOverheadBytes is how much longer than its plaintext a file for a key of this size is.
std::size_t CourseOverheadBytes(std::size_t key_size_bits);

}  // namespace salus::seal
