"""HTTP: routes, ``Accept`` negotiation, multipart, problem documents. Translates, decides nothing."""
