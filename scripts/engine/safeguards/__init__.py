"""What a run refuses before anything is changed; each looks at files and database, runs nothing."""
