"""Jobs that need the menus' actions: the worker loads them by the dotted names in the queue."""
