"""The console at /console/: pages with which people try every endpoint in a browser.

door      what a browser gets under /console/, and who may
sessions  who is signed in, and the files that each has there
sign_in   the page that asks for a key
site      NiceGUI, with the pages; imports it, and so is imported when a browser first comes
view      what every page is built with
pages     one module a page; `PAGES` lists them
"""
