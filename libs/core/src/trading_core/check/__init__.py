"""Is a strategy what it must be: blind to the future, pure, warmed up in time, fast?"""
