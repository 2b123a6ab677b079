// Tells whether the other side of a TLS connection said that it was done. libcurl 7.88 takes a
// connection that just ends for one that was closed; for a body that goes on until the end of the
// connection that would make any part of it a whole.
#ifndef BITS_SERVER_TRANSFER_CLOSE_NOTIFY_H_
#define BITS_SERVER_TRANSFER_CLOSE_NOTIFY_H_

#include <curl/curl.h>

namespace bits::transfer {

// For CURLOPT_SSL_CTX_FUNCTION.
CURLcode WatchForCloseNotify(CURL* easy, void* ssl_context, void* unused);

// The TLS connection that a transfer is on, for CloseNotifySeen; null if it is on none. May be
// called from within a callback.
const void* TlsConnectionOf(CURL* easy);

// Whether a close_notify came. The connection may be gone, but no other may have been opened by
// this thread since. On the thread that runs libcurl.
bool CloseNotifySeen(const void* connection);

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_CLOSE_NOTIFY_H_
