"""Results that are computed once, whichever threads ask for them at the same time."""

import functools

from numba.core.compiler_lock import global_compiler_lock


def once(function):
    """Keep the results of a function of hashable arguments: what compiles code that is called by its address.

    `functools.cache` calls the function in every thread that asks before the first has its result, and keeps the last
    result only. Compiled code of the others would be freed while its address is in use.
    """
    results = {}

    @functools.wraps(function)
    def kept(*arguments):
        try:
            return results[arguments]
        except KeyError:
            with global_compiler_lock:  # one that may be taken again, since compiling asks for other results
                if arguments not in results:
                    results[arguments] = function(*arguments)
            return results[arguments]

    return kept
