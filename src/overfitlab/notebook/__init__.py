"""What a Jupyter or Colab notebook shows: progress that is drawn anew in its place, and studies and runs themselves."""
