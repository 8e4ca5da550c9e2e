"""The running service: settings, application, command line, viewer."""
