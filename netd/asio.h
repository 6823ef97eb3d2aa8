// The parts of Asio that netd uses, with the executor's type spelled out, which saves a virtual call each time.
#ifndef NETD_ASIO_H_
#define NETD_ASIO_H_

#include <asio/basic_waitable_timer.hpp>
#include <asio/buffer.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>
#include <asio/post.hpp>
#include <chrono>

namespace netd {

// A descriptor to wait for; system calls read and write it directly.
using Descriptor = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                                         asio::io_context::executor_type>;

}  // namespace netd

#endif  // NETD_ASIO_H_
