// A second thread for tests in which one does something between two steps of another.
#ifndef LARDER_TESTS_SUPPORT_OTHER_THREAD_H_
#define LARDER_TESTS_SUPPORT_OTHER_THREAD_H_

#include <functional>
#include <semaphore>
#include <thread>
#include <utility>

namespace larder {

class OtherThread {
 public:
  ~OtherThread() {
    work_ = nullptr;
    begin_.release();
    thread_.join();
  }

  // Returns when the thread has done it.
  void run(std::function<void()> work) {
    work_ = std::move(work);
    begin_.release();
    end_.acquire();
  }

 private:
  std::function<void()> work_;
  std::binary_semaphore begin_{0};
  std::binary_semaphore end_{0};
  std::thread thread_{[this] {
    for (;;) {
      begin_.acquire();
      if (!work_) return;
      work_();
      end_.release();
    }
  }};
};

}  // namespace larder

#endif  // LARDER_TESTS_SUPPORT_OTHER_THREAD_H_
