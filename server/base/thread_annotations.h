// Clang's thread safety attributes; nothing under other compilers.
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html

#ifndef BITS_SERVER_BASE_THREAD_ANNOTATIONS_H_
#define BITS_SERVER_BASE_THREAD_ANNOTATIONS_H_

#if defined(__clang__)
#define BITS_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define BITS_THREAD_ATTRIBUTE(x)
#endif

#define BITS_CAPABILITY(x) BITS_THREAD_ATTRIBUTE(capability(x))
#define BITS_SCOPED_CAPABILITY BITS_THREAD_ATTRIBUTE(scoped_lockable)
#define BITS_GUARDED_BY(x) BITS_THREAD_ATTRIBUTE(guarded_by(x))
#define BITS_PT_GUARDED_BY(x) BITS_THREAD_ATTRIBUTE(pt_guarded_by(x))
#define BITS_REQUIRES(...) BITS_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define BITS_EXCLUDES(...) BITS_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define BITS_ACQUIRE(...) BITS_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define BITS_TRY_ACQUIRE(...) BITS_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define BITS_RELEASE(...) BITS_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define BITS_ACQUIRED_BEFORE(...) BITS_THREAD_ATTRIBUTE(acquired_before(__VA_ARGS__))
#define BITS_ACQUIRED_AFTER(...) BITS_THREAD_ATTRIBUTE(acquired_after(__VA_ARGS__))
#define BITS_RETURN_CAPABILITY(x) BITS_THREAD_ATTRIBUTE(lock_returned(x))
#define BITS_ASSERT_CAPABILITY(x) BITS_THREAD_ATTRIBUTE(assert_capability(x))
#define BITS_NO_THREAD_SAFETY_ANALYSIS BITS_THREAD_ATTRIBUTE(no_thread_safety_analysis)

#endif  // BITS_SERVER_BASE_THREAD_ANNOTATIONS_H_
