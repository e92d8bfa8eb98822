"""The app in a process of its own, which runs another Python than wfctl's: the app's environment.

`process` is wfctl's side and `program` the app's; two pipes connect them. On the one for turns, the engine's thread
asks and waits for the answer; on the one for events, results of activities and the calls of the app's own clients come
back at any time. Messages are pickled objects of wfctl's own classes, which both sides import from the same files: the
app's side sees of wfctl's environment the package `wfctl` alone. Either side ends when the other is gone.
"""
