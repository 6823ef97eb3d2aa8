// How larder's functions are compiled: into its shared library or, with LARDER_HEADER_ONLY, into the program.
#ifndef LARDER_API_H_
#define LARDER_API_H_

#ifdef LARDER_HEADER_ONLY
#define LARDER_API
#define LARDER_INLINE inline
#else
// Symbols that programs use from larder's shared libraries; all others are hidden.
#define LARDER_API __attribute__((visibility("default")))
// A function that lib/*.cc compiles.
#define LARDER_INLINE
#endif

#endif  // LARDER_API_H_
