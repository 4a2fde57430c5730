# noqa: A005  (mirrors pellucid.io)
