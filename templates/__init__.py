"""The words: layouts, mails, and the shipped examples of newsletters and meetings (data, no code)."""
