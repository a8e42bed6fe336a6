"""The console as a web application: sign-in in front of Streamlit, and the pages' own routes."""
