"""The networks that classify clips, and what a student learns from a teacher."""
