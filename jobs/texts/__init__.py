"""The words of every SMS, one file a family; ``catalogue.render`` fills them in."""
